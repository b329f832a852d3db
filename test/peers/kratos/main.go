// Command kratos is a Kratos v2.9.2 peer: a greeter and a caller, over gRPC on loopback, and a reader of configuration.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/metadata"
	middleware "github.com/go-kratos/kratos/v2/middleware/metadata"
	"github.com/go-kratos/kratos/v2/middleware/recovery"
	"github.com/go-kratos/kratos/v2/transport/grpc"
	pb "microrun/test/peers/greeterpb"
)

const usage = `usage:
  kratos serve --address HOST:PORT [--timeout D]
  kratos call  --address HOST:PORT [--method /greeter.Greeter/Hello] [--name N] [--timeout D] [--metadata k=v ...]
               [--stream [--count N]]
  kratos config   reads ConfigMaps from stdin, as kubectl get -o json prints them; one JSON line: tree or error`

func main() {
	commands := map[string]func([]string) error{"serve": serve, "call": call, "config": readConfig}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(1)
	}
	log.SetLogger(log.NewStdLogger(os.Stderr)) // stdout is for the answer
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	address := flags.String("address", "127.0.0.1:0", "where to listen")
	timeout := flags.Duration("timeout", time.Second, "the deadline of each call (the default is Kratos')")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.Listener(listener), grpc.Timeout(*timeout),
		grpc.Middleware(recovery.Recovery(), middleware.Server()))
	pb.RegisterGreeterServer(server, greeter{})
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	fmt.Println("listening", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Start(stop) }()
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
		return server.Stop(context.Background())
	}
}

// call prints one JSON line: reply, or replies of a stream, or error as errors.FromError reads it.
func call(args []string) error {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	method := flags.String("method", pb.Greeter_Hello_FullMethodName, "the full method of a unary call")
	name := flags.String("name", "World", "the name to greet")
	timeout := flags.Duration("timeout", 2*time.Second, "the timeout (the default is Kratos')")
	stream := flags.Bool("stream", false, "read the server stream Greeter.Stream")
	count := flags.Int64("count", 3, "messages to ask of the stream")
	md := []string{}
	flags.Func("metadata", "k=v to send, repeatable; Kratos passes on x-md-global-*", func(pair string) error {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return fmt.Errorf("want k=v, got %q", pair)
		}
		md = append(md, key, value)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address == "" {
		return fmt.Errorf("call: --address is required\n%s", usage)
	}
	ctx := metadata.AppendToClientContext(context.Background(), md...)
	connection, err := grpc.DialInsecure(ctx, grpc.WithEndpoint(*address), grpc.WithTimeout(*timeout),
		grpc.WithMiddleware(middleware.Client()), grpc.WithStreamMiddleware(middleware.Client()))
	if err != nil {
		return err
	}
	defer connection.Close()

	if *stream {
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		replies := []any{}
		stream, err := pb.NewGreeterClient(connection).Stream(ctx, &pb.StreamRequest{Count: *count})
		for err == nil {
			var reply *pb.StreamResponse
			if reply, err = stream.Recv(); err == nil {
				replies = append(replies, map[string]any{"count": reply.Count})
			}
		}
		if err == io.EOF {
			return printJSON(map[string]any{"replies": replies})
		}
		return printJSON(map[string]any{"replies": replies, "error": decode(err)})
	}
	reply := new(pb.HelloResponse)
	if err := connection.Invoke(ctx, *method, &pb.HelloRequest{Name: *name}, reply); err != nil {
		return printJSON(map[string]any{"error": decode(err)})
	}
	return printJSON(map[string]any{"reply": map[string]any{"greeting": reply.Greeting}})
}

func decode(err error) any {
	e := errors.FromError(err)
	return map[string]any{"code": e.Code, "reason": e.Reason, "message": e.Message, "metadata": e.Metadata}
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
