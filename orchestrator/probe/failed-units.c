/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's failed units, asked over its private socket (org.freedesktop.systemd1(5)),
 * so that a machine without a message bus, or with a broken one, answers as well.
 */
#include "state-probes.h"

#include "base/cleanup.h"
#include "systemd-library.h"

#define MANAGER_SOCKET  "unix:path=/run/systemd/private"
#define MANAGER_NAME    "org.freedesktop.systemd1"
#define MANAGER_TIMEOUT 10000000 /* microseconds */
#define UNITS_MAX       4096

static void cleanup_bus(sd_bus **bus)
{
	if (*bus) /* the library may be missing */
		sym_sd_bus_close_unref(*bus);
}

static void cleanup_message(sd_bus_message **message)
{
	if (*message)
		sym_sd_bus_message_unref(*message);
}

/* root speaks to the manager itself, anyone else through the system bus. */
static int manager_connect(sd_bus **ret)
{
	cleanup(cleanup_bus) sd_bus *bus = NULL;
	int r = sym_sd_bus_new(&bus);

	if (r >= 0)
		r = sym_sd_bus_set_address(bus, MANAGER_SOCKET);
	if (r >= 0)
		r = sym_sd_bus_start(bus);
	if (r < 0) {
		sym_sd_bus_close_unref(bus);
		bus = NULL;
		r = sym_sd_bus_open_system(&bus);
	}
	if (r < 0)
		return r;
	(void)sym_sd_bus_set_method_call_timeout(bus, MANAGER_TIMEOUT); /* else 25 s */
	*ret = take_ptr(bus);
	return 0;
}

static int manager_list(sd_bus *bus, sd_bus_message **ret)
{
	cleanup(cleanup_message) sd_bus_message *ask = NULL;
	int r;

	r = sym_sd_bus_message_new_method_call(bus, &ask, MANAGER_NAME,
					       "/org/freedesktop/systemd1",
					       "org.freedesktop.systemd1.Manager",
					       "ListUnitsFiltered");
	if (r >= 0)
		r = sym_sd_bus_message_append(ask, "as", 2, "failed", "auto-restart");
	return r < 0 ? r : sym_sd_bus_call(bus, ask, 0, NULL, ret);
}

/* A service that waits for its restart may have ended well: some use it as a timer. */
static bool restart_after_failure(sd_bus *bus, const char *object)
{
	autofree char *result = NULL;

	if (sym_sd_bus_get_property_string(bus, MANAGER_NAME, object,
					   "org.freedesktop.systemd1.Service", "Result",
					   NULL, &result) < 0)
		return false;
	return !str_eq(result, "success");
}

/* (name, description, load, active, sub, following, object, job, type, job's object) */
static int next_unit(sd_bus *bus, sd_bus_message *reply, struct strv *ret)
{
	const char *name, *active, *object;
	int r;

	r = sym_sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, &active,
				    NULL, NULL, &object, NULL, NULL, NULL);
	if (r <= 0)
		return r;
	if (str_eq(active, "failed") || restart_after_failure(bus, object))
		strv_add_take(ret, str_printable(name));
	return 1;
}

int state_failed_units(const struct root *root, struct strv *ret)
{
	cleanup(cleanup_bus) sd_bus *bus = NULL;
	cleanup(cleanup_message) sd_bus_message *reply = NULL;
	int r;

	if (!root_is_live(root))
		return 0;
	r = systemd_library_load(NULL);
	if (r < 0)
		return r;
	r = manager_connect(&bus);
	if (r >= 0)
		r = manager_list(bus, &reply);
	if (r >= 0)
		r = sym_sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY,
						       "(ssssssouso)");
	for (size_t i = 0; r >= 0 && i < UNITS_MAX; i++) {
		r = next_unit(bus, reply, ret);
		if (r == 0)
			break;
	}
	return r < 0 ? r : 0;
}
