/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Type information of kernels and modules (Documentation/bpf/btf.rst): as much of its
 * rules as can be checked without the kernel that it refers to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BTF_MAGIC       0xeb9f
#define BTF_HEADER_SIZE 24
#define BTF_TYPE_SIZE   12
#define BTF_KIND_STRUCT 4
#define BTF_KIND_ENUM64 19 /* the last one known here */

/* Bytes behind a type's own twelve, by its kind (1 to BTF_KIND_ENUM64) and how many
 * members it has. */
size_t btf_type_more(unsigned int kind, size_t members);

/*
 * Would a kernel read it as a module's .BTF: a header, types that fill their section, and
 * strings? base, the .BTF.base of modules that are built apart, is checked likewise; size
 * 0: there is none, and names and types beyond the module's own are the kernel's, which
 * are not looked up. What a later format adds is taken to be sound. Linear in size.
 */
bool btf_is_sane(const uint8_t *data, size_t size, const uint8_t *base, size_t base_size);
