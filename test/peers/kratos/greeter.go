package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/metadata"
	"github.com/go-kratos/kratos/v2/transport"
	"google.golang.org/grpc"
	pb "microrun/test/peers/greeterpb"
)

type greeter struct{ pb.UnimplementedGreeterServer }

// Hello greets, or does what the name asks for: err:CODE, err:plain, panic, sleep:DURATION, md:KEY (what the
// metadata middleware kept; md:* is all that came).
func (greeter) Hello(ctx context.Context, request *pb.HelloRequest) (*pb.HelloResponse, error) {
	greeting := "Hello " + request.Name
	what, argument, _ := strings.Cut(request.Name, ":")
	switch what {
	case "err":
		if code, err := strconv.Atoi(argument); err == nil {
			boom := errors.New(code, "GREETER_BOOM", "boom "+request.Name)
			return nil, boom.WithMetadata(map[string]string{"foo": "bar"})
		}
		return nil, fmt.Errorf("%s boom", argument)
	case "panic":
		panic("ouch")
	case "sleep":
		duration, err := time.ParseDuration(argument)
		if err != nil {
			return nil, err
		}
		select {
		case <-time.After(duration):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "md":
		if argument == "*" {
			all, err := json.Marshal(headers(ctx))
			return &pb.HelloResponse{Greeting: string(all)}, err
		}
		md, _ := metadata.FromServerContext(ctx)
		greeting = md.Get(argument)
	}
	return &pb.HelloResponse{Greeting: greeting}, nil
}

func headers(ctx context.Context) map[string]string {
	all := map[string]string{}
	if tr, found := transport.FromServerContext(ctx); found {
		for _, key := range tr.RequestHeader().Keys() {
			all[key] = tr.RequestHeader().Get(key)
		}
	}
	return all
}

// Stream sends count messages, numbered from 0; a negative count is an error after one message.
func (greeter) Stream(request *pb.StreamRequest, stream grpc.ServerStreamingServer[pb.StreamResponse]) error {
	if request.Count < 0 {
		if err := stream.Send(new(pb.StreamResponse)); err != nil {
			return err
		}
		return errors.BadRequest("NEGATIVE", "negative count")
	}
	for i := range request.Count {
		if err := stream.Send(&pb.StreamResponse{Count: i}); err != nil {
			return err
		}
	}
	return nil
}
