/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loaded before GStreamer (LD_PRELOAD): each bin changes once while its elements are looked for, as
 * decodebin does at a link of a chained Ogg, so the iterator's first answer is RESYNC. */
#include <dlfcn.h>
#include <gmodule.h>
#include <gst/gst.h>

G_MODULE_EXPORT GstIterator *gst_bin_iterate_all_by_element_factory_name(GstBin *bin,
                                                                         const gchar *name)
{
    GstIterator *(*real)(GstBin *, const gchar *);
    *(void **)&real = dlsym(RTLD_NEXT, "gst_bin_iterate_all_by_element_factory_name");
    GstIterator *elements = real(bin, name);
    GstElement *other = gst_bin_new(NULL);
    gst_bin_add(bin, other);
    gst_bin_remove(bin, other);
    return elements;
}
