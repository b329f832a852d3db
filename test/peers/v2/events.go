package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker"
	"github.com/micro/go-micro/v2/broker/nats"
	"github.com/micro/go-micro/v2/client"
	"github.com/micro/go-micro/v2/metadata"
	"github.com/micro/go-micro/v2/server"
)

// publish sends messages over NATS as go-micro's client does.
func publish(args []string) error {
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	address := flags.String("broker-address", "", "the NATS server, HOST:PORT")
	topic := flags.String("topic", "greeter.events", "the topic")
	name := flags.String("name", "World", "the name in the message")
	contentType := flags.String("content-type", "", "the content type (default go-micro's)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b := nats.NewBroker(broker.Addrs(*address))
	if err := b.Connect(); err != nil {
		return err
	}
	c := newService(micro.Name("greeter.client"), micro.Broker(b)).Client()
	var options []client.MessageOption
	if *contentType != "" {
		options = append(options, client.WithMessageContentType(*contentType))
	}
	ctx := metadata.NewContext(context.Background(), metadata.Metadata{"X-Foo": "bar"})
	if err := c.Publish(ctx, c.NewMessage(*topic, &HelloRequest{Name: *name}, options...)); err != nil {
		return err
	}
	// what was written has left when the connection is closed
	return b.Disconnect()
}

// subscribe prints one JSON line for each message that a subscriber of go-micro's server gets over NATS.
func subscribe(args []string) error {
	flags := flag.NewFlagSet("subscribe", flag.ContinueOnError)
	address := flags.String("broker-address", "", "the NATS server, HOST:PORT")
	topic := flags.String("topic", "greeter.events", "the topic")
	queue := flags.String("queue", "", "share the messages with others of this name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	service := newService(micro.Name("listener"), micro.Address("127.0.0.1:0"), micro.Broker(nats.NewBroker(broker.Addrs(*address))),
		micro.AfterStart(func() error { return printJSON(map[string]interface{}{"listening": *address}) }))
	var options []server.SubscriberOption
	if *queue != "" {
		options = append(options, server.SubscriberQueue(*queue))
	}
	handler := func(ctx context.Context, message *HelloRequest) error {
		md, _ := metadata.FromContext(ctx)
		return printJSON(map[string]interface{}{"name": message.Name, "metadata": md})
	}
	if err := micro.RegisterSubscriber(*topic, service.Server(), handler, options...); err != nil {
		return fmt.Errorf("subscribe: %v", err)
	}
	return service.Run()
}
