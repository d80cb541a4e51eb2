/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What kernels/aie2 includes as <aie_api/aie.hpp>: this stand-in on the host, AMD's library with
 * Peano. */
#include "lut.hpp"
#include "mmul.hpp"
#include "ops.hpp"
