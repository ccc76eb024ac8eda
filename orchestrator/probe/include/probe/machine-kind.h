/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What kind of machine this is, for the compatibility record: what its firmware calls
 * itself, and the cloud that it runs in.
 */
#pragma once

#include "base/cleanup.h"
#include "base/root-file.h"

struct machine_kind {
	char *machine;  /* DMI's sys_vendor and product_name; a device tree's model; "" */
	char *platform; /* of the cloud as cloud-init has it: "ec2", "openstack"; "" */
	char *region;   /* "eu-north-1"; "" */
};

/*
 * /sys/class/dmi/id, /sys/firmware/devicetree/base/model and
 * /run/cloud-init/instance-data.json. What can't be read is "": never fails.
 */
void machine_kind_probe(const struct root *root, struct machine_kind *ret);
void machine_kind_done(struct machine_kind *kind);
#define automachinekind cleanup(machine_kind_done)
