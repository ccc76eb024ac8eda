/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links with a default route, and listening sockets, from the kernel's tables in /proc
 * (proc(5); net/ipv4/fib_trie.c, net/ipv6/route.c, net/ipv4/tcp_ipv4.c).
 */
#include "state-probes.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <net/route.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proc-table.h"

#define HEX_WORD    8 /* digits of 32 bits */
#define LISTEN      "0A"
#define TABLE_STATE 3

/* Hex digits and nothing else, as many as asked for. */
static bool hex_digits(const char *s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

static bool hex_field(const char *s, size_t digits, unsigned long *ret)
{
	if (strlen(s) != digits || !hex_digits(s, digits))
		return false;
	*ret = strtoul(s, NULL, 16);
	return true;
}

static bool interface_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < IF_NAMESIZE && !strchr(name, '/') && name[0] != '.' &&
	       !str_eq(name, "lo");
}

static bool route_usable(unsigned long flags)
{
	return (flags & RTF_UP) && !(flags & RTF_REJECT);
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask …; the head line is no hex. */
static bool take_route4(void *data, const struct proc_line *line)
{
	unsigned long destination, flags, mask;

	if (line->count < 8 || !hex_field(line->fields[1], HEX_WORD, &destination) ||
	    !hex_field(line->fields[3], 4, &flags) ||
	    !hex_field(line->fields[7], HEX_WORD, &mask))
		return true;
	if (destination == 0 && mask == 0 && route_usable(flags) &&
	    interface_valid(line->fields[0]))
		strv_add(data, line->fields[0]);
	return true;
}

/* destination length source length next-hop metric references use flags interface */
static bool take_route6(void *data, const struct proc_line *line)
{
	unsigned long flags;

	if (line->count < 10 || strspn(line->fields[0], "0") != 32 ||
	    !str_eq(line->fields[1], "00") || !hex_field(line->fields[8], 8, &flags))
		return true;
	if (route_usable(flags) && interface_valid(line->fields[9]))
		strv_add(data, line->fields[9]);
	return true;
}

/* Drivers that report no link state say "unknown" (Documentation/networking/operstates).
 */
static bool link_is_up(const struct root *root, const char *interface)
{
	autofree char *path = str_format("/sys/class/net/%s/operstate", interface);
	autofree char *state = NULL;

	if (root_read_line(root, path, &state, NULL) < 0)
		return false;
	return str_eq(state, "up") || str_eq(state, "unknown");
}

int state_links(const struct root *root, struct strv *ret)
{
	autostrv struct strv names = {0};
	int r4 = proc_table_each(root, "/proc/net/route", take_route4, &names);
	int r6 = proc_table_each(root, "/proc/net/ipv6_route", take_route6, &names);

	state_unique(&names);
	for (size_t i = 0; i < names.count; i++) {
		bool up = link_is_up(root, names.items[i]);
		autofree char *name = str_printable(names.items[i]);

		strv_add_take(ret, str_format("%s %s", name, up ? "up" : "down"));
	}
	return r4 < 0 ? r4 : r6;
}

/* ADDRESS:PORT; each 32-bit word of the address is printed as the machine reads it. */
static char *socket_text(const char *field)
{
	const char *colon = strchr(field, ':');
	size_t digits = colon ? (size_t)(colon - field) : 0;
	bool six = digits == (size_t)HEX_WORD * 4;
	char address[INET6_ADDRSTRLEN];
	unsigned long port;
	uint32_t words[4];

	if ((!six && digits != HEX_WORD) || !hex_digits(field, digits) ||
	    !hex_field(colon + 1, 4, &port))
		return NULL;
	for (size_t i = 0; i < digits / HEX_WORD; i++) {
		char word[HEX_WORD + 1] = "";

		memcpy(word, field + i * HEX_WORD, HEX_WORD);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	if (!inet_ntop(six ? AF_INET6 : AF_INET, words, address, sizeof(address)))
		return NULL;
	return str_format(six ? "tcp6 [%s]:%lu" : "tcp %s:%lu", address, port);
}

/* The kernel prints listening sockets first: behind them nothing is of interest. */
static bool take_socket(void *data, const struct proc_line *line)
{
	char *text;

	if (line->count <= TABLE_STATE || !strchr(line->fields[1], ':'))
		return true; /* the head line */
	if (!str_eq(line->fields[TABLE_STATE], LISTEN))
		return false;
	text = socket_text(line->fields[1]);
	if (text)
		strv_add_take(data, text);
	return true;
}

int state_listening(const struct root *root, struct strv *ret)
{
	int r4 = proc_table_each(root, "/proc/net/tcp", take_socket, ret);
	int r6 = proc_table_each(root, "/proc/net/tcp6", take_socket, ret);

	return r4 < 0 ? r4 : r6;
}
