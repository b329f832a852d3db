// Command v2 is a go-micro v2.3.0 peer: a greeter, a caller and a reader of Debug.*, all over gRPC, at an address or
// found by the kubernetes plugin; and readers of that plugin's registry and of the configmap plugin's source.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/micro/go-micro/v2"
	"github.com/micro/go-micro/v2/broker/memory"
	"github.com/micro/go-micro/v2/client"
	debug "github.com/micro/go-micro/v2/debug/service/proto"
	"github.com/micro/go-micro/v2/errors"
	"github.com/micro/go-micro/v2/metadata"
	registry "github.com/micro/go-micro/v2/registry/memory"
	"github.com/micro/go-plugins/registry/kubernetes/v2"
)

const usage = `usage:
  v2 serve --address HOST:PORT [--name greeter] [--version V] [--registry memory|kubernetes] [--metadata k=v ...]
  v2 call  --address HOST:PORT | --registry kubernetes [--service greeter] [--endpoint Greeter.Hello] [--name N] [--content-type T]
           [--timeout D] [--retries N] [--metadata k=v ...] [--stream [--count N]]
  v2 debug --address HOST:PORT [--service greeter] --method Health|Stats|Log|Trace [--id TRACE]
  v2 services | get [--service greeter] | watch [--service greeter] | cache-call [--service greeter] [--every D]
           read the kubernetes registry, one JSON line for each answer, event or call
  v2 config [--kubeconfig PATH] [--namespace default] [--configmap micro]
           read a ConfigMap, one JSON line: tree or error
  v2 publish --broker-address HOST:PORT [--topic T] [--name N] [--content-type T]
  v2 subscribe --broker-address HOST:PORT [--topic T] [--queue Q]
           events over NATS, one JSON line for each message heard`

func main() {
	commands := map[string]func([]string) error{"serve": serve, "call": call, "debug": readDebug,
		"services": services, "get": get, "watch": watch, "cache-call": cacheCall, "config": readConfig,
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

// newService is a service as go-micro makes it, except that the broker is of memory, and the registry unless asked
// otherwise: the defaults are multicast DNS and an embedded NATS server. The broker comes first, because Registry
// initialises it.
func newService(options ...micro.Option) micro.Service {
	local := []micro.Option{micro.Broker(memory.NewBroker()), micro.Registry(registry.NewRegistry())}
	return micro.NewService(append(local, options...)...)
}

// registryOption is made only where it is asked for: without a service account the plugin ends the process.
func registryOption(name string) ([]micro.Option, error) {
	switch name {
	case "memory":
		return nil, nil
	case "kubernetes":
		return []micro.Option{micro.Registry(kubernetes.NewRegistry())}, nil
	}
	return nil, fmt.Errorf("unknown --registry %q\n%s", name, usage)
}

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	address := flags.String("address", "127.0.0.1:0", "where to listen")
	name := flags.String("name", "greeter", "the service's name")
	version := flags.String("version", "", "the service's version (default go-micro's)")
	registryName := flags.String("registry", "memory", "memory or kubernetes")
	md := map[string]string{}
	flags.Var(pairs(md), "metadata", "k=v to register, repeatable")
	if err := flags.Parse(args); err != nil {
		return err
	}
	options, err := registryOption(*registryName)
	if err != nil {
		return err
	}
	if *version != "" {
		options = append(options, micro.Version(*version))
	}
	if len(md) > 0 {
		options = append(options, micro.Metadata(md))
	}
	var service micro.Service
	options = append(options, micro.Name(*name), micro.Address(*address), micro.AfterStart(func() error {
		_, err := fmt.Println("listening", service.Server().Options().Address)
		return err
	}))
	service = newService(options...)
	if err := micro.RegisterHandler(service.Server(), new(Greeter)); err != nil {
		return err
	}
	return service.Run()
}

func call(args []string) error {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	registryName := flags.String("registry", "memory", "where the server is looked for without --address: kubernetes")
	service := flags.String("service", "greeter", "the service's name")
	endpoint := flags.String("endpoint", "", "the endpoint (default Greeter.Hello, with --stream Greeter.Stream)")
	name := flags.String("name", "World", "the name to greet")
	contentType := flags.String("content-type", "", "the content type (default go-micro's)")
	timeout := flags.Duration("timeout", 0, "the request timeout (default go-micro's)")
	retries := flags.Int("retries", -1, "retries (default go-micro's)")
	stream := flags.Bool("stream", false, "read a server stream")
	count := flags.Int64("count", 3, "messages to ask of the stream")
	md := metadata.Metadata{}
	flags.Var(pairs(md), "metadata", "k=v to send, repeatable")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address == "" && *registryName == "memory" {
		return fmt.Errorf("call: --address or --registry is required\n%s", usage)
	}
	from, err := registryOption(*registryName)
	if err != nil {
		return err
	}

	ctx := metadata.NewContext(context.Background(), md)
	var options []client.CallOption
	if *address != "" {
		options = append(options, client.WithAddress(*address))
	}
	if *timeout > 0 {
		options = append(options, client.WithRequestTimeout(*timeout))
	}
	if *retries >= 0 {
		options = append(options, client.WithRetries(*retries))
	}
	var requestOptions []client.RequestOption
	if *contentType != "" {
		requestOptions = append(requestOptions, client.WithContentType(*contentType))
	}
	c := newService(append(from, micro.Name("greeter.client"))...).Client()

	if *stream {
		request := c.NewRequest(*service, or(*endpoint, "Greeter.Stream"), &StreamRequest{Count: *count}, requestOptions...)
		return printStream(ctx, c, request, func() interface{} { return new(StreamResponse) }, options)
	}
	request := c.NewRequest(*service, or(*endpoint, "Greeter.Hello"), &HelloRequest{Name: *name}, requestOptions...)
	reply := new(HelloResponse)
	return printReply(reply, c.Call(ctx, request, reply, options...))
}

func readDebug(args []string) error {
	flags := flag.NewFlagSet("debug", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	service := flags.String("service", "greeter", "the service's name")
	method := flags.String("method", "", "Health, Stats, Log or Trace")
	id := flags.String("id", "", "the trace to read")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var request, reply interface{}
	switch *method {
	case "Health":
		request, reply = &debug.HealthRequest{Service: *service}, new(debug.HealthResponse)
	case "Stats":
		request, reply = &debug.StatsRequest{Service: *service}, new(debug.StatsResponse)
	case "Log":
		request = &debug.LogRequest{Service: *service}
	case "Trace":
		request, reply = &debug.TraceRequest{Id: *id}, new(debug.TraceResponse)
	default:
		return fmt.Errorf("debug: unknown --method %q\n%s", *method, usage)
	}
	if *address == "" {
		return fmt.Errorf("debug: --address is required\n%s", usage)
	}
	c := newService(micro.Name("debug.client")).Client()
	to := client.WithAddress(*address)
	if *method == "Log" {
		record := func() interface{} { return new(debug.Record) }
		return printStream(context.Background(), c, c.NewRequest(*service, "Debug.Log", request), record, []client.CallOption{to})
	}
	return printReply(reply, c.Call(context.Background(), c.NewRequest(*service, "Debug."+*method, request), reply, to))
}

// printStream sends the request's body on a stream and prints what comes back, as go-micro's generated code does.
func printStream(ctx context.Context, c client.Client, request client.Request, reply func() interface{}, options []client.CallOption) error {
	replies := []interface{}{}
	stream, err := c.Stream(ctx, request, options...)
	if err == nil {
		err = stream.Send(request.Body())
	}
	for err == nil {
		next := reply()
		if err = stream.Recv(next); err == nil {
			replies = append(replies, next)
		}
	}
	if err == io.EOF {
		return printJSON(map[string]interface{}{"replies": replies})
	}
	return printJSON(map[string]interface{}{"replies": replies, "error": decode(err)})
}

func printReply(reply interface{}, err error) error {
	if err != nil {
		return printJSON(map[string]interface{}{"error": decode(err)})
	}
	return printJSON(map[string]interface{}{"reply": reply})
}

func printJSON(value interface{}) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

// decode spells out the fields that go-micro's own tags omit when empty.
func decode(err error) interface{} {
	e, ok := err.(*errors.Error)
	if !ok {
		e = errors.Parse(err.Error())
	}
	return map[string]interface{}{"id": e.Id, "code": e.Code, "detail": e.Detail, "status": e.Status}
}

type pairs metadata.Metadata

func (p pairs) String() string { return "" }

func (p pairs) Set(pair string) error {
	parts := strings.SplitN(pair, "=", 2)
	if len(parts) != 2 {
		return fmt.Errorf("want k=v, got %q", pair)
	}
	p[parts[0]] = parts[1]
	return nil
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
