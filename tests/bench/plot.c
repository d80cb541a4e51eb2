/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Horizontal bars, drawn to scale from zero, as a self-contained SVG. */
#include <math.h>

#include "tests/bench/results.h"

enum { LABEL = 330, BARS = 380, RIGHT = 110, ROW = 18, TOP = 34 }; /* pixels */

static void put_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '>')
            fputs("&gt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else
            fputc(*text, file);
    }
}

static void put_bar(FILE *file, unsigned row, const char *label, double value, double most)
{
    double y = TOP + ROW * row;
    fprintf(file, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">", LABEL - 6, y + 12);
    put_text(file, label);
    fputs("</text>\n", file);
    double width = most > 0 ? value / most * BARS : 0;
    fprintf(file, "<rect x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"#4477aa\"/>\n",
            LABEL, y + 2, width, ROW - 5);
    fprintf(file, "<text x=\"%.1f\" y=\"%.0f\">%.4g</text>\n", LABEL + width + 5, y + 12, value);
}

void plot_write(FILE *file, const char *title, const char *unit, char *const *labels,
                const double *values, unsigned n)
{
    double most = 0;
    unsigned rows = 0;
    for (unsigned i = 0; i < n; i++) {
        most = isfinite(values[i]) ? fmax(most, values[i]) : most;
        rows += isfinite(values[i]) != 0;
    }
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"8\" y=\"18\" font-size=\"13\">",
            LABEL + BARS + RIGHT, TOP + ROW * rows + 12);
    put_text(file, title);
    fputs(unit[0] ? ", " : "", file);
    put_text(file, unit);
    fputs("</text>\n", file);
    rows = 0;
    for (unsigned i = 0; i < n; i++)
        if (isfinite(values[i]))
            put_bar(file, rows++, labels[i], values[i], most);
    fputs("</svg>\n", file);
}
