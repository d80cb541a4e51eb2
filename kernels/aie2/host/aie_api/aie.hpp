/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What kernels/aie2 includes as <aie_api/aie.hpp>: on the host this stand-in,
 * with Peano AMD's library. */
#include "lut.hpp"
#include "mmul.hpp"
#include "ops.hpp"
