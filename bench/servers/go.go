// Go's net and bufio, on one thread.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
)

const size = 65536

var roles = map[string]func(net.Conn){
	"echo": func(connection net.Conn) {
		buffer := make([]byte, size)
		for {
			n, err := connection.Read(buffer)
			if err != nil {
				return
			}
			connection.Write(buffer[:n])
		}
	},
	"lines-echo": func(connection net.Conn) {
		reader, writer := bufio.NewReaderSize(connection, size), bufio.NewWriterSize(connection, size)
		for {
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return
			}
			writer.Write(line)
			if reader.Buffered() == 0 {
				writer.Flush()
			}
		}
	},
	"lines": func(connection net.Conn) {
		reader, seen := bufio.NewReaderSize(connection, size), 0
		for {
			if _, err := reader.ReadSlice('\n'); err != nil {
				break
			}
			seen++
		}
		fmt.Fprint(connection, seen)
	},
	"frames": func(connection net.Conn) {
		reader, seen, payload := bufio.NewReaderSize(connection, size), 0, make([]byte, size)
		var length [4]byte
		for {
			if _, err := io.ReadFull(reader, length[:]); err != nil {
				break
			}
			if _, err := io.ReadFull(reader, payload[:binary.BigEndian.Uint32(length[:])]); err != nil {
				break
			}
			seen++
		}
		fmt.Fprint(connection, seen)
	},
	"sink": func(connection net.Conn) {
		buffer, seen := make([]byte, size), 0
		for {
			n, err := connection.Read(buffer)
			seen += n
			if err != nil {
				break
			}
		}
		fmt.Fprint(connection, seen)
	},
	"source": func(connection net.Conn) {
		block := make([]byte, size)
		for {
			if _, err := connection.Write(block); err != nil {
				return
			}
		}
	},
}

func main() {
	serve := roles[os.Args[1]]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			serve(connection)
			connection.Close()
		}()
	}
}
