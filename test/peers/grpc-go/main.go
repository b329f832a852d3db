// Command grpc-go is a plain grpc-go peer: a greeter, a caller of all four kinds, a load generator and a drain watcher.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

const usage = `usage:
  grpc-go serve --address HOST:PORT
  grpc-go call  --address HOST:PORT [--kind unary|server|client|bidi] [--service greeter.Greeter] [--method M]
                [--name N ...] [--metadata k=v ...] [--deadline D] [--cancel-after D] [--gzip]
  grpc-go load  --address HOST:PORT [--connections C] [--concurrency N] [--duration D | --calls N] [--warmup D]
                [--kind unary|server] [--method M] [--name N | --size BYTES] [--metadata k=v ...] [--unique-metadata]
                [--deadline D]
  grpc-go drain --address HOST:PORT [--concurrency K] [--name sleep:500ms] [--duration D]`

func main() {
	commands := map[string]func([]string) error{"serve": serve, "call": call, "load": load, "drain": drain}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(1)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// connect makes a connection of its own: grpc-go shares none between two clients.
func connect(address string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	if address == "" {
		return nil, fmt.Errorf("--address is required\n%s", usage)
	}
	return grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

// addPair reads k=v; the value of a -bin key is given in base64, as it stands on the wire.
func addPair(md metadata.MD) func(string) error {
	return func(pair string) error {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return fmt.Errorf("want k=v, got %q", pair)
		}
		if strings.HasSuffix(key, "-bin") {
			raw, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return err
			}
			value = string(raw)
		}
		md.Append(key, value)
		return nil
	}
}

// readable is metadata as addPair takes it.
func readable(md metadata.MD) map[string][]string {
	out := map[string][]string{}
	for key, values := range md {
		for _, value := range values {
			if strings.HasSuffix(key, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			out[key] = append(out[key], value)
		}
	}
	return out
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
