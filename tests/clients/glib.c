/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client of GLib, with the code that gdbus-codegen makes of dbus/. It creates, sees and removes a device, and prints
 * what it gets. */

#include "mediated.h"

#define PATH "/org/mediated1"

static GMainLoop *loop;

static void check(gboolean done, GError *error) {
        if (done)
                return;
        g_printerr("%s\n", error->message);
        exit(1);
}

static GVariant *no_options(void) {
        return g_variant_new("a{sv}", NULL);
}

static void on_job_removed(MediatedManager *manager, guint64 id, const char *uuid, const char *kind,
                           const char *result, const char *job, const char *failure, const char *message,
                           void *userdata) {
        g_print("job %s %s %s\n", kind, result, failure);
        if (g_str_equal(kind, userdata))
                g_main_loop_quit(loop);
}

static void on_object_added(GDBusObjectManager *objects, GDBusObject *object, void *userdata) {
        MediatedObject *added = MEDIATED_OBJECT(object);
        MediatedDevice *device = mediated_object_peek_device(added);

        if (device)
                g_print("device %s is %s\n", mediated_device_get_parent_name(device),
                        mediated_device_get_state(device));
}

static void list(MediatedManager *manager) {
        g_autoptr(GVariant) devices = NULL;
        GError *error = NULL;

        check(mediated_manager_call_list_devices_sync(manager, &devices, NULL, &error), error);
        g_print("%zu devices\n", (size_t) g_variant_n_children(devices));
}

static void wait_for(MediatedManager *manager, const char *kind) {
        gulong id = g_signal_connect(manager, "job-removed", G_CALLBACK(on_job_removed), (void *) kind);

        g_main_loop_run(loop);
        g_signal_handler_disconnect(manager, id);
}

static void refuse(MediatedManager *manager) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = NULL;

        if (mediated_manager_call_create_device_sync(manager, "", "nowhere", "mtty-1", g_variant_new("a(ss)", NULL),
                                                     no_options(), NULL, NULL, NULL, &error))
                exit(1);
        name = g_dbus_error_get_remote_error(error);
        g_print("%s\n", name);
}

int main(void) {
        g_autofree char *uuid = NULL, *path = NULL;
        g_autoptr(GDBusObjectManager) objects = NULL;
        g_autoptr(MediatedManager) manager = NULL;
        GVariantBuilder options;
        GError *error = NULL;

        loop = g_main_loop_new(NULL, FALSE);
        manager = mediated_manager_proxy_new_for_bus_sync(G_BUS_TYPE_SYSTEM, G_DBUS_PROXY_FLAGS_NONE, "org.mediated1",
                                                          PATH, NULL, &error);
        check(manager != NULL, error);
        objects = mediated_object_manager_client_new_for_bus_sync(G_BUS_TYPE_SYSTEM,
                                                                  G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE,
                                                                  "org.mediated1", PATH, NULL, &error);
        check(objects != NULL, error);
        g_signal_connect(objects, "object-added", G_CALLBACK(on_object_added), NULL);

        g_variant_builder_init(&options, G_VARIANT_TYPE("a{sv}"));
        g_variant_builder_add(&options, "{sv}", "timeout-usec", g_variant_new_int32(20000000));
        check(mediated_manager_call_create_device_sync(manager, "", "mtty", "mtty-1", g_variant_new("a(ss)", NULL),
                                                       g_variant_builder_end(&options), &uuid, &path, NULL, &error),
              error);
        wait_for(manager, "create");
        list(manager);

        g_variant_builder_init(&options, G_VARIANT_TYPE("a{sv}"));
        g_variant_builder_add(&options, "{sv}", "no-wait", g_variant_new_boolean(TRUE));
        check(mediated_manager_call_stop_device_sync(manager, uuid, g_variant_builder_end(&options), NULL, &error),
              error);
        wait_for(manager, "stop");
        list(manager);
        refuse(manager);
        return 0;
}
