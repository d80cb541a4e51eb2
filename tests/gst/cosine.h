/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_GST_COSINE_H
#define TESTS_GST_COSINE_H
/* How alike the features of two buffers are. */

#include <math.h>

#include "tests/gst/harness.h"

/* The least cosine of any position with that of the other. */
static gdouble
least_cosine (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo ma, mb;
  gdouble least = 1.0;
  guint n = GST_BUFFER_OFFSET_END (a) - GST_BUFFER_OFFSET (a);

  gst_buffer_map (a, &ma, GST_MAP_READ);
  gst_buffer_map (b, &mb, GST_MAP_READ);
  fail_unless (ma.size == mb.size && n > 0);
  for (guint i = 0; i < n; i++) {
    const gfloat *x = (const gfloat *) ma.data + i * 64;
    const gfloat *y = (const gfloat *) mb.data + i * 64;
    gdouble xy = 0.0, xx = 0.0, yy = 0.0;

    for (guint c = 0; c < 64; c++) {
      xy += (gdouble) x[c] * y[c];
      xx += (gdouble) x[c] * x[c];
      yy += (gdouble) y[c] * y[c];
    }
    least = MIN (least, xy / sqrt (xx * yy));
  }
  gst_buffer_unmap (a, &ma);
  gst_buffer_unmap (b, &mb);
  return least;
}

#endif /* TESTS_GST_COSINE_H */
