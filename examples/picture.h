/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef EXAMPLES_PICTURE_H
#define EXAMPLES_PICTURE_H
/* A picture of log-mel above features, time from left to right, as PNG through GStreamer.
 * Threads: one at a time per strip. */
#include <stdbool.h>

/* Columns over time; when PICTURE_COLUMNS are full, neighbours are averaged, so that an hour of
 * audio is as wide as a minute and memory stays bounded. */
#define PICTURE_COLUMNS 2400
struct picture_strip {
    float *data;      /* [columns][rows] */
    double *sum;      /* [rows], of the column under way */
    unsigned rows;    /* values of a column */
    unsigned columns; /* complete ones, < PICTURE_COLUMNS */
    unsigned merged;  /* inputs that make one column, a power of two */
    unsigned pending; /* inputs in sum */
};

bool picture_strip_open(struct picture_strip *strip, unsigned rows);
void picture_strip_add(struct picture_strip *strip, const float *column);
void picture_strip_close(struct picture_strip *strip); /* accepts a zeroed one */

/* Write both strips to `path`; false, with one line on stderr, when that fails. The log-mel is
 * drawn from its least (dark) to its greatest value, low frequencies below. Of the features each
 * channel is drawn as its deviation from its own mean, blue -2.5, white 0, red +2.5 standard
 * deviations, channel 0 on top. */
bool picture_write(const char *path, const struct picture_strip *mel,
                   const struct picture_strip *features);

#endif /* EXAMPLES_PICTURE_H */
