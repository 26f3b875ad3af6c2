// SPDX-License-Identifier: LGPL-2.1-or-later

// Creates a device, shows its node, and removes it again:
//
//	go run device.go PARENT TYPE
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	name = "org.mediated1"
	path = dbus.ObjectPath("/org/mediated1")

	// A driver may need long. We give up later than mediated does, so that we always get its answer.
	requestTimeout = 60 * time.Second
	callTimeout    = 70 * time.Second
)

func options() map[string]dbus.Variant {
	return map[string]dbus.Variant{"timeout-usec": dbus.MakeVariant(uint64(requestTimeout.Microseconds()))}
}

type attribute struct{ Name, Value string }

func run(parent, deviceType string) error {
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return err
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()

	// An empty UUID asks for a random one.
	var uuid string
	var device dbus.ObjectPath
	manager := bus.Object(name, path)
	err = manager.CallWithContext(ctx, name+".Manager.CreateDevice", 0, "", parent, deviceType, []attribute{},
		options()).Store(&uuid, &device)
	if err != nil {
		return err
	}
	fmt.Println("created", uuid)

	node, err := bus.Object(name, device).GetProperty(name + ".Device.DeviceNode")
	if err != nil {
		return err
	}
	fmt.Println("node", node.Value())

	if err := manager.CallWithContext(ctx, name+".Manager.StopDevice", 0, uuid, options()).Err; err != nil {
		return err
	}
	fmt.Println("stopped", uuid)
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "Usage: device PARENT TYPE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		// The text is for people. A program decides by the name of the error.
		var refused dbus.Error
		if errors.As(err, &refused) && refused.Name == name+".Error.NoAvailableInstances" {
			fmt.Fprintln(os.Stderr, "Try another type or another parent")
		}
		os.Exit(1)
	}
}
