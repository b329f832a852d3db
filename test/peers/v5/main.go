// Command v5 is a go-micro v5.30.0 peer: a greeter and a caller over gRPC, at an address or found by multicast DNS.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go-micro.dev/v5/broker"
	"go-micro.dev/v5/client"
	grpcclient "go-micro.dev/v5/client/grpc"
	"go-micro.dev/v5/errors"
	"go-micro.dev/v5/metadata"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/server"
	grpcserver "go-micro.dev/v5/server/grpc"
	pb "microrun/test/peers/greeterpb"
)

const usage = `usage:
  v5 serve --address HOST:PORT [--name greeter] [--registry memory|mdns]
  v5 call  --address HOST:PORT | --registry mdns [--service greeter] [--endpoint Greeter.Hello] [--name N] [--content-type T]
           [--timeout D] [--retries N] [--metadata k=v ...] [--stream [--count N]]
  v5 watch --registry mdns [--service greeter]
  v5 publish   --broker http|nats [--broker-address A] [--registry mdns] [--topic T] [--name N] [--count N] [--content-type T]
  v5 subscribe --broker http|nats [--broker-address A] [--registry mdns] [--topic T] [--queue Q] [--address HOST:PORT]`

func main() {
	commands := map[string]func([]string) error{"serve": serve, "call": call, "watch": watch,
		"publish": publish, "subscribe": subscribe}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(1)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve runs go-micro's gRPC server itself: micro.NewService adds nothing on the wire but links every plugin.
// Registry and broker are of memory unless asked otherwise, the defaults are multicast DNS and HTTP.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	address := flags.String("address", "127.0.0.1:0", "where to listen")
	name := flags.String("name", "greeter", "the service's name")
	registryName := flags.String("registry", "memory", "memory or mdns")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reg, err := newRegistry(*registryName)
	if err != nil {
		return err
	}
	s := grpcserver.NewServer(server.Name(*name), server.Address(*address),
		server.Registry(reg), server.Broker(broker.NewMemoryBroker()))
	if err := s.Handle(s.NewHandler(new(Greeter))); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if err := s.Start(); err != nil {
		return err
	}
	fmt.Println("listening", s.Options().Address)
	<-stop
	return s.Stop()
}

func call(args []string) error {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	registryName := flags.String("registry", "memory", "where the server is looked for without --address: mdns")
	service := flags.String("service", "greeter", "the service's name")
	endpoint := flags.String("endpoint", "", "the endpoint (default Greeter.Hello, with --stream Greeter.Stream)")
	name := flags.String("name", "World", "the name to greet")
	contentType := flags.String("content-type", "", "the content type (default go-micro's)")
	timeout := flags.Duration("timeout", 0, "the request or stream timeout (default go-micro's)")
	retries := flags.Int("retries", -1, "retries (default go-micro's)")
	stream := flags.Bool("stream", false, "read a server stream")
	count := flags.Int64("count", 3, "messages to ask of the stream")
	md := metadata.Metadata{}
	flags.Func("metadata", "k=v to send, repeatable", func(pair string) error {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return fmt.Errorf("want k=v, got %q", pair)
		}
		md[key] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address == "" && *registryName == "memory" {
		return fmt.Errorf("call: --address or --registry is required\n%s", usage)
	}
	reg, err := newRegistry(*registryName)
	if err != nil {
		return err
	}

	ctx := metadata.NewContext(context.Background(), md)
	var options []client.CallOption
	if *address != "" {
		options = append(options, client.WithAddress(*address))
	}
	if *timeout > 0 {
		options = append(options, client.WithRequestTimeout(*timeout), client.WithStreamTimeout(*timeout))
	}
	if *retries >= 0 {
		options = append(options, client.WithRetries(*retries))
	}
	var requestOptions []client.RequestOption
	if *contentType != "" {
		requestOptions = append(requestOptions, client.WithContentType(*contentType))
	}
	c := grpcclient.NewClient(client.Registry(reg), client.Broker(broker.NewMemoryBroker()))

	if *stream {
		request := c.NewRequest(*service, or(*endpoint, "Greeter.Stream"), &pb.StreamRequest{Count: *count}, requestOptions...)
		return printStream(ctx, c, request, options)
	}
	request := c.NewRequest(*service, or(*endpoint, "Greeter.Hello"), &pb.HelloRequest{Name: *name}, requestOptions...)
	reply := new(pb.HelloResponse)
	if err := c.Call(ctx, request, reply, options...); err != nil {
		return printJSON(map[string]any{"error": decode(err)})
	}
	return printJSON(map[string]any{"reply": map[string]any{"greeting": reply.Greeting}})
}

func newRegistry(name string) (registry.Registry, error) {
	switch name {
	case "memory":
		return registry.NewMemoryRegistry(), nil
	case "mdns":
		return registry.NewMDNSRegistry(), nil
	}
	return nil, fmt.Errorf("unknown --registry %q\n%s", name, usage)
}

// printStream sends the request's body on a stream and prints what comes back, as go-micro's generated code does.
func printStream(ctx context.Context, c client.Client, request client.Request, options []client.CallOption) error {
	replies := []any{}
	stream, err := c.Stream(ctx, request, options...)
	if err == nil {
		err = stream.Send(request.Body())
	}
	for err == nil {
		next := new(pb.StreamResponse)
		if err = stream.Recv(next); err == nil {
			replies = append(replies, map[string]any{"count": next.Count})
		}
	}
	if err == io.EOF {
		return printJSON(map[string]any{"replies": replies})
	}
	return printJSON(map[string]any{"replies": replies, "error": decode(err)})
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

// decode spells out the fields that go-micro's own tags omit when empty.
func decode(err error) any {
	e, ok := err.(*errors.Error)
	if !ok {
		e = errors.Parse(err.Error())
	}
	return map[string]any{"id": e.Id, "code": e.Code, "detail": e.Detail, "status": e.Status}
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
