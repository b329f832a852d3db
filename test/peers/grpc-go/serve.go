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
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	pb "microrun/test/peers/greeterpb"
)

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	address := flags.String("address", "127.0.0.1:0", "where to listen")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pb.RegisterGreeterServer(server, greeter{})
	healthpb.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	stopped := make(chan struct{})
	go func() {
		<-stop
		server.GracefulStop()
		close(stopped)
	}()
	fmt.Println("listening", listener.Addr())
	if err := server.Serve(listener); err != nil {
		return err
	}
	<-stopped
	return nil
}

type greeter struct{ pb.UnimplementedGreeterServer }

// answer greets, or does what the name asks for: err:CODE (a gRPC code's number), err:plain, err:info (with an
// ErrorInfo), sleep:DURATION, size:BYTES, md:KEY (md:* is all).
// Incoming metadata whose key starts with echo- goes back as header and trailer.
func answer(ctx context.Context, name string) (string, error) {
	what, argument, _ := strings.Cut(name, ":")
	switch what {
	case "err":
		if argument == "info" {
			info := &errdetails.ErrorInfo{Reason: "GREETER_BOOM", Metadata: map[string]string{"foo": "bar"}}
			detailed, err := status.New(codes.NotFound, "boom "+name).WithDetails(info)
			if err != nil {
				return "", err
			}
			return "", detailed.Err()
		}
		if code, err := strconv.ParseUint(argument, 10, 32); err == nil {
			return "", status.Error(codes.Code(code), "boom "+name)
		}
		return "", fmt.Errorf("%s boom", argument)
	case "sleep":
		duration, err := time.ParseDuration(argument)
		if err != nil {
			return "", err
		}
		select {
		case <-time.After(duration):
		case <-ctx.Done():
			return "", status.FromContextError(ctx.Err()).Err()
		}
	case "size":
		size, err := strconv.Atoi(argument)
		return strings.Repeat("x", max(size, 0)), err
	case "md":
		md, _ := metadata.FromIncomingContext(ctx)
		if argument == "*" {
			all, err := json.Marshal(readable(md))
			return string(all), err
		}
		return strings.Join(readable(md)[argument], ", "), nil
	}
	return "Hello " + name, nil
}

// echo is the metadata to send back.
func echo(ctx context.Context) metadata.MD {
	back := metadata.MD{}
	md, _ := metadata.FromIncomingContext(ctx)
	for key, values := range md {
		if strings.HasPrefix(key, "echo-") {
			back[key] = values
		}
	}
	return back
}

func (greeter) Hello(ctx context.Context, request *pb.HelloRequest) (*pb.HelloResponse, error) {
	if back := echo(ctx); len(back) > 0 {
		if err := grpc.SetHeader(ctx, back); err != nil {
			return nil, err
		}
		if err := grpc.SetTrailer(ctx, back); err != nil {
			return nil, err
		}
	}
	greeting, err := answer(ctx, request.Name)
	if err != nil {
		return nil, err
	}
	return &pb.HelloResponse{Greeting: greeting}, nil
}

// LotsOfReplies sends three answers, or COUNT of them to the name count:COUNT; count:COUNT:NAME greets NAME so often.
func (greeter) LotsOfReplies(request *pb.HelloRequest, stream grpc.ServerStreamingServer[pb.HelloResponse]) error {
	stream.SetTrailer(echo(stream.Context()))
	if err := stream.SetHeader(echo(stream.Context())); err != nil {
		return err
	}
	count, name := 3, request.Name
	if text, found := strings.CutPrefix(request.Name, "count:"); found {
		var err error
		if before, after, named := strings.Cut(text, ":"); named {
			text, name = before, after
		}
		if count, err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	for range count {
		greeting, err := answer(stream.Context(), name)
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.HelloResponse{Greeting: greeting}); err != nil {
			return err
		}
	}
	return nil
}

// LotsOfGreetings answers all names at once, when the last one has come.
func (greeter) LotsOfGreetings(stream grpc.ClientStreamingServer[pb.HelloRequest, pb.HelloResponse]) error {
	greetings := []string{}
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.HelloResponse{Greeting: strings.Join(greetings, ", ")})
		}
		if err != nil {
			return err
		}
		greeting, err := answer(stream.Context(), request.Name)
		if err != nil {
			return err
		}
		greetings = append(greetings, greeting)
	}
}

// BidiHello answers each name as it comes.
func (greeter) BidiHello(stream grpc.BidiStreamingServer[pb.HelloRequest, pb.HelloResponse]) error {
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		greeting, err := answer(stream.Context(), request.Name)
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.HelloResponse{Greeting: greeting}); err != nil {
			return err
		}
	}
}

// Stream sends count messages, numbered from 0.
func (greeter) Stream(request *pb.StreamRequest, stream grpc.ServerStreamingServer[pb.StreamResponse]) error {
	for i := range request.Count {
		if err := stream.Send(&pb.StreamResponse{Count: i}); err != nil {
			return err
		}
	}
	return nil
}
