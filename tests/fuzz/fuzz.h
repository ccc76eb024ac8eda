/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a target gives to libFuzzer or to replay.c: one input, bytes of any kind. It ends
 * the program where a promise is broken. https://llvm.org/docs/LibFuzzer.html
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
