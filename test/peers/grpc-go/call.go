package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	pb "microrun/test/peers/greeterpb"
)

// A kind is how to call: with the default method, and which side streams.
type kind struct {
	method         string
	client, server bool
}

var kinds = map[string]kind{
	"unary":  {"Hello", false, false},
	"server": {"LotsOfReplies", false, true},
	"client": {"LotsOfGreetings", true, false},
	"bidi":   {"BidiHello", true, true},
}

// call prints one JSON line: code (number), status (its name), message, replies, headers, trailers, details,
// errorInfo (what Kratos reads of the details) and ms.
func call(args []string) error {
	flags := flag.NewFlagSet("call", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	kindName := flags.String("kind", "unary", "unary, server, client or bidi")
	service := flags.String("service", "greeter.Greeter", "the service's full name")
	method := flags.String("method", "", "the method (default the greeter's of that kind)")
	deadline := flags.Duration("deadline", 0, "the deadline (default none)")
	cancelAfter := flags.Duration("cancel-after", 0, "cancel the call after so long (default never)")
	compress := flags.Bool("gzip", false, "compress the requests, accept compressed answers")
	names := []string{}
	flags.Func("name", "a name to greet, repeatable: a streaming client sends them all", func(name string) error {
		names = append(names, name)
		return nil
	})
	md := metadata.MD{}
	flags.Func("metadata", "k=v to send, repeatable; base64 for a -bin key", addPair(md))
	if err := flags.Parse(args); err != nil {
		return err
	}
	how, found := kinds[*kindName]
	if !found {
		return fmt.Errorf("call: unknown --kind %q\n%s", *kindName, usage)
	}
	if len(names) == 0 {
		names = append(names, "World")
	}
	if *method == "" {
		*method = how.method
	}
	options := []grpc.CallOption{}
	if *compress {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	connection, err := connect(*address)
	if err != nil {
		return err
	}
	defer connection.Close()

	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(context.Background(), md))
	defer cancel()
	if *deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, *deadline)
		defer cancel()
	}
	if *cancelAfter > 0 {
		time.AfterFunc(*cancelAfter, cancel)
	}
	start := time.Now()
	desc := &grpc.StreamDesc{ClientStreams: how.client, ServerStreams: how.server}
	stream, err := connection.NewStream(ctx, desc, "/"+*service+"/"+*method, options...)
	replies, headers, trailers := []string{}, metadata.MD{}, metadata.MD{}
	if err == nil {
		replies, err = exchange(stream, how, names)
		headers, _ = stream.Header()
		trailers = stream.Trailer()
	}
	outcome := status.Convert(err)
	details, info := decode(outcome)
	return printJSON(map[string]any{
		"code": outcome.Code(), "status": outcome.Code().String(), "message": outcome.Message(),
		"replies": replies, "headers": readable(headers), "trailers": readable(trailers),
		"details": details, "errorInfo": info, "ms": time.Since(start).Milliseconds(),
	})
}

// exchange sends the names and reads the answers at the same time, and returns what came before the end.
func exchange(stream grpc.ClientStream, how kind, names []string) ([]string, error) {
	if !how.client {
		names = names[:1]
	}
	go func() {
		for _, name := range names {
			if stream.SendMsg(&pb.HelloRequest{Name: name}) != nil {
				return // RecvMsg has the reason
			}
		}
		_ = stream.CloseSend()
	}()
	replies := []string{}
	for {
		reply := new(pb.HelloResponse)
		if err := stream.RecvMsg(reply); err == io.EOF {
			return replies, nil
		} else if err != nil {
			return replies, err
		}
		replies = append(replies, reply.Greeting)
		if !how.server {
			return replies, nil // RecvMsg has read the status as well
		}
	}
}

// decode shows the details: as JSON where this program knows their type, else type and base64.
func decode(s *status.Status) (details []any, info any) {
	details = []any{}
	for _, detail := range s.Proto().GetDetails() {
		if text, err := protojson.Marshal(detail); err == nil {
			details = append(details, json.RawMessage(text))
		} else {
			details = append(details, unknown(detail))
		}
		found := new(errdetails.ErrorInfo)
		if detail.MessageIs(found) && detail.UnmarshalTo(found) == nil {
			info = map[string]any{"reason": found.Reason, "domain": found.Domain, "metadata": found.Metadata}
		}
	}
	return details, info
}

func unknown(detail *anypb.Any) any {
	return map[string]any{"@type": detail.TypeUrl, "value": base64.StdEncoding.EncodeToString(detail.Value)}
}
