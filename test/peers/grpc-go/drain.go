package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	pb "microrun/test/peers/greeterpb"
)

// drain keeps --concurrency calls under way on one connection until the server takes no new connection (or --duration
// is over), then prints one JSON line. Before, it prints "under way K", once the server has read the first K calls:
// the moment to stop the server.
//   - ok: calls answered well.
//   - failed: calls that a server had and lost or refused, with code and message in errors.
//   - refused: calls that never left, because no connection could be made any more: each worker ends with one.
func drain(args []string) error {
	flags := flag.NewFlagSet("drain", flag.ContinueOnError)
	address := flags.String("address", "", "the server, HOST:PORT")
	concurrency := flags.Int("concurrency", 10, "calls under way at any time")
	name := flags.String("name", "sleep:500ms", "the name to greet, one that takes time")
	duration := flags.Duration("duration", time.Minute, "when to stop at the latest")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sent := make(sentCalls, *concurrency)
	connection, err := connect(*address, grpc.WithStatsHandler(sent))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := pb.NewGreeterClient(connection)

	var lock sync.Mutex
	ok, refused, failed, lost := 0, 0, 0, map[string]int{}
	end := time.Now().Add(*duration)
	var group sync.WaitGroup
	for range *concurrency {
		group.Go(func() {
			for time.Now().Before(end) {
				_, err := client.Hello(context.Background(), &pb.HelloRequest{Name: *name})
				lock.Lock()
				switch {
				case err == nil:
					ok++
				case neverLeft(err):
					refused++
				default:
					failed++
					lost[fmt.Sprintf("%s: %s", status.Code(err), status.Convert(err).Message())]++
				}
				lock.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { group.Wait(); close(over) }()
	for range *concurrency {
		select {
		case <-sent:
		case <-over:
			return fmt.Errorf("drain: the calls ended before all were under way: %d refused, failed: %v", refused, lost)
		}
	}
	// The server reads a connection in order: having answered this call, it has read those before it.
	if _, err := client.Hello(context.Background(), &pb.HelloRequest{Name: "drain"}); err != nil {
		return err
	}
	fmt.Println("under way", *concurrency)
	<-over
	return printJSON(map[string]any{"ok": ok, "failed": failed, "refused": refused, "errors": lost})
}

// neverLeft tells the failures of grpc-go to connect, where no server has seen the call, from those of a connection.
func neverLeft(err error) bool {
	message := status.Convert(err).Message()
	return status.Code(err) == codes.Unavailable && !strings.Contains(message, "closing transport") &&
		(strings.Contains(message, "Error while dialing") || strings.Contains(message, "error reading server preface"))
}

// sentCalls hears of each request written, and forgets those beyond its room.
type sentCalls chan struct{}

func (sentCalls) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentCalls) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentCalls) HandleConn(context.Context, stats.ConnStats)                       {}
func (s sentCalls) HandleRPC(_ context.Context, event stats.RPCStats) {
	if _, out := event.(*stats.OutPayload); out {
		select {
		case s <- struct{}{}:
		default:
		}
	}
}
