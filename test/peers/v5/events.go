package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go-micro.dev/v5/broker"
	"go-micro.dev/v5/broker/nats"
	"go-micro.dev/v5/client"
	grpcclient "go-micro.dev/v5/client/grpc"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/server"
	grpcserver "go-micro.dev/v5/server/grpc"
	pb "microrun/test/peers/greeterpb"
)

// eventFlags are those of publish and subscribe.
type eventFlags struct {
	*flag.FlagSet
	broker, address, registry, topic *string
}

func newEventFlags(name string) eventFlags {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	return eventFlags{
		FlagSet:  flags,
		broker:   flags.String("broker", "http", "http or nats"),
		address:  flags.String("broker-address", "", "where http listens, or the server of nats"),
		registry: flags.String("registry", "memory", "memory or mdns"),
		topic:    flags.String("topic", "greeter.events", "the topic"),
	}
}

func (f eventFlags) open() (registry.Registry, broker.Broker, error) {
	reg, err := newRegistry(*f.registry)
	if err != nil {
		return nil, nil, err
	}
	options := []broker.Option{broker.Registry(reg), broker.Addrs(*f.address)}
	switch *f.broker {
	case "http":
		return reg, broker.NewHttpBroker(options...), nil
	case "nats":
		return reg, nats.NewNatsBroker(options...), nil
	}
	return nil, nil, fmt.Errorf("unknown --broker %q\n%s", *f.broker, usage)
}

// publish sends messages as go-micro's client does: protobuf, or JSON when asked.
func publish(args []string) error {
	flags := newEventFlags("publish")
	name := flags.String("name", "World", "the name in the message")
	count := flags.Int("count", 1, "how many to publish")
	contentType := flags.String("content-type", "", "the content type (default go-micro's)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reg, b, err := flags.open()
	if err != nil {
		return err
	}
	if err := b.Connect(); err != nil {
		return err
	}
	var options []client.MessageOption
	if *contentType != "" {
		options = append(options, client.WithMessageContentType(*contentType))
	}
	c := grpcclient.NewClient(client.Registry(reg), client.Broker(b))
	ctx := metadata.NewContext(context.Background(), metadata.Metadata{"X-Foo": "bar"})
	for range *count {
		message := c.NewMessage(*flags.topic, &pb.HelloRequest{Name: *name}, options...)
		if err := c.Publish(ctx, message); err != nil {
			return err
		}
	}
	// the http broker posts after Publish has returned
	time.Sleep(500 * time.Millisecond)
	return b.Disconnect()
}

// subscribe prints one JSON line for each message that a subscriber of go-micro's server gets.
func subscribe(args []string) error {
	flags := newEventFlags("subscribe")
	queue := flags.String("queue", "", "share the messages with others of this name")
	address := flags.String("address", "127.0.0.1:0", "where the server listens")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reg, b, err := flags.open()
	if err != nil {
		return err
	}
	s := grpcserver.NewServer(server.Name("listener"), server.Address(*address), server.Registry(reg), server.Broker(b))
	var options []server.SubscriberOption
	if *queue != "" {
		options = append(options, server.SubscriberQueue(*queue))
	}
	handler := func(ctx context.Context, message *pb.HelloRequest) error {
		md, _ := metadata.FromContext(ctx)
		return printJSON(map[string]any{"name": message.Name, "metadata": md})
	}
	if err := s.Subscribe(s.NewSubscriber(*flags.topic, handler, options...)); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if err := s.Start(); err != nil {
		return err
	}
	if err := printJSON(map[string]any{"listening": b.Address()}); err != nil {
		return err
	}
	<-stop
	return s.Stop()
}
