/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "examples/picture.h"
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEL_HEIGHT = 2 /* pixels of one mel band */, GAP = 6 /* white pixels between the strips */ };

bool picture_strip_open(struct picture_strip *strip, unsigned rows)
{
    *strip = (struct picture_strip){.rows = rows, .merged = 1};
    strip->data = malloc(sizeof(float) * rows * PICTURE_COLUMNS);
    strip->sum = calloc(rows, sizeof(double));
    return strip->data && strip->sum;
}

void picture_strip_close(struct picture_strip *strip)
{
    free(strip->data);
    free(strip->sum);
    *strip = (struct picture_strip){0};
}

static void strip_halve(struct picture_strip *strip)
{
    size_t rows = strip->rows;
    for (size_t c = 0; c < PICTURE_COLUMNS / 2; c++) {
        for (size_t r = 0; r < rows; r++) {
            const float *pair = strip->data + 2 * c * rows + r;
            strip->data[c * rows + r] = 0.5f * (pair[0] + pair[rows]);
        }
    }
    strip->columns = PICTURE_COLUMNS / 2;
    strip->merged *= 2;
}

void picture_strip_add(struct picture_strip *strip, const float *column)
{
    for (unsigned r = 0; r < strip->rows; r++)
        strip->sum[r] += (double)column[r];
    if (++strip->pending < strip->merged)
        return;
    float *out = strip->data + (size_t)strip->columns * strip->rows;
    for (unsigned r = 0; r < strip->rows; r++)
        out[r] = (float)(strip->sum[r] / strip->merged);
    memset(strip->sum, 0, sizeof(double) * strip->rows);
    strip->pending = 0;
    if (++strip->columns == PICTURE_COLUMNS)
        strip_halve(strip);
}

/* Interpolates in a table of equally spaced colours; x is clamped to 0 .. 1. */
static void colour(uint8_t *rgb, const uint8_t (*table)[3], int entries, float x)
{
    x = (x > 0 ? (x < 1 ? x : 1) : 0) * (float)(entries - 1);
    int i = x >= (float)(entries - 1) ? entries - 2 : (int)x;
    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)lrintf((float)table[i][k] +
                                 (x - (float)i) * (float)(table[i + 1][k] - table[i][k]));
}

struct image {
    uint8_t *pixels; /* RGB rows, each padded to a multiple of 4 bytes as video/x-raw wants it */
    size_t stride;   /* bytes */
    unsigned width, height;
    unsigned zoom; /* pixels of a column */
};

static void draw_cell(struct image *image, unsigned column, unsigned y, unsigned height,
                      const uint8_t rgb[3])
{
    for (unsigned dy = 0; dy < height; dy++)
        for (unsigned dx = 0; dx < image->zoom; dx++)
            memcpy(image->pixels + (y + dy) * image->stride + 3 * (column * image->zoom + dx), rgb,
                   3);
}

static void draw_mel(struct image *image, unsigned columns, const struct picture_strip *mel)
{
    static const uint8_t dark_to_bright[][3] = {
        {4, 3, 20}, {70, 16, 110}, {170, 46, 100}, {240, 110, 50}, {252, 250, 160}};
    float least = INFINITY, greatest = -INFINITY;
    for (size_t i = 0; i < (size_t)columns * mel->rows; i++) {
        least = fminf(least, mel->data[i]);
        greatest = fmaxf(greatest, mel->data[i]);
    }
    float range = greatest > least ? greatest - least : 1;
    for (unsigned c = 0; c < columns; c++) {
        for (unsigned r = 0; r < mel->rows; r++) {
            uint8_t rgb[3];
            colour(rgb, dark_to_bright, 5, (mel->data[(size_t)c * mel->rows + r] - least) / range);
            draw_cell(image, c, (mel->rows - 1 - r) * MEL_HEIGHT, MEL_HEIGHT, rgb);
        }
    }
}

static void draw_features(struct image *image, unsigned columns, unsigned top,
                          const struct picture_strip *features)
{
    static const uint8_t blue_white_red[][3] = {
        {20, 60, 140}, {110, 165, 215}, {248, 248, 248}, {230, 130, 100}, {150, 20, 40}};
    for (unsigned r = 0; r < features->rows; r++) {
        double sum = 0, squares = 0;
        for (unsigned c = 0; c < columns; c++) {
            double x = (double)features->data[(size_t)c * features->rows + r];
            sum += x;
            squares += x * x;
        }
        double mean = sum / columns, deviation = sqrt(fmax(squares / columns - mean * mean, 1e-12));
        for (unsigned c = 0; c < columns; c++) {
            double x = (double)features->data[(size_t)c * features->rows + r];
            uint8_t rgb[3];
            colour(rgb, blue_white_red, 5, (float)((x - mean) / (5 * deviation) + 0.5));
            draw_cell(image, c, top + r, 1, rgb);
        }
    }
}

/* Give the pixels (transfer full, even on failure) to appsrc ! pngenc ! filesink and wait for the
 * end. */
static bool write_png(const char *path, struct image *image)
{
    GstBuffer *buffer =
        gst_buffer_new_wrapped_full(0, image->pixels, image->stride * image->height, 0,
                                    image->stride * image->height, image->pixels, free);
    GError *error = NULL;
    GstElement *pipeline =
        gst_parse_launch("appsrc name=in format=time ! pngenc ! filesink name=out", &error);
    if (error) {
        fprintf(stderr, "%s: no picture: %s\n", path, error->message);
        g_clear_error(&error);
        gst_clear_object(&pipeline);
        gst_buffer_unref(buffer);
        return false;
    }
    GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
    GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GstCaps *caps = gst_caps_new_simple(
        "video/x-raw", "format", G_TYPE_STRING, "RGB", "width", G_TYPE_INT, (int)image->width,
        "height", G_TYPE_INT, (int)image->height, "framerate", GST_TYPE_FRACTION, 1, 1, NULL);
    g_object_set(in, "caps", caps, NULL);
    g_object_set(out, "location", path, NULL);
    GST_BUFFER_PTS(buffer) = 0;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_app_src_push_buffer(GST_APP_SRC(in), buffer);
    gst_app_src_end_of_stream(GST_APP_SRC(in));
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    bool well = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (!well) {
        gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "%s: no picture: %s\n", path, error->message);
        g_clear_error(&error);
    }
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_caps_unref(caps);
    gst_object_unref(bus);
    gst_object_unref(in);
    gst_object_unref(out);
    gst_object_unref(pipeline);
    return well;
}

bool picture_write(const char *path, const struct picture_strip *mel,
                   const struct picture_strip *features)
{
    /* The resampler may end a position earlier or later than the element's own. */
    unsigned columns = mel->columns < features->columns ? mel->columns : features->columns;
    if (columns == 0) {
        fprintf(stderr, "%s: no picture: there is less than one position\n", path);
        return false;
    }
    unsigned top = mel->rows * MEL_HEIGHT + GAP;
    struct image image = {.zoom = columns < 1000 ? (1000 + columns - 1) / columns : 1};
    image.zoom = image.zoom < 16 ? image.zoom : 16;
    image.width = columns * image.zoom;
    image.height = top + features->rows;
    image.stride = (3 * (size_t)image.width + 3) / 4 * 4;
    image.pixels = malloc(image.stride * image.height);
    if (!image.pixels) {
        fprintf(stderr, "%s: no picture: out of memory\n", path);
        return false;
    }
    memset(image.pixels, 255, image.stride * image.height);
    draw_mel(&image, columns, mel);
    draw_features(&image, columns, top, features);
    return write_png(path, &image);
}
