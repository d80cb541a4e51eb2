/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npu/model/foreign.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "npu/log.h"

#define HEAD_BYTES 512

struct head {
    uint8_t bytes[HEAD_BYTES + 1]; /* and a NUL for searches */
    size_t n;                      /* that the file has */
};

#define CONVERT "; give its safetensors file, or save the model as safetensors"
#define UNPACK  "; unpack it and give the weights file that is in it"
#define AUDIO   "; model-file names the weights, the audio comes through the pipeline"

/* Bytes that tell a format, in the order in which they are tried. `what` goes after "found". */
static const struct {
    size_t at, n;
    const char *bytes, *what;
    int code; /* 0: -ENOTSUP */
} magics[] = {
    {0, 4, "PK\3\4",
     "a ZIP archive such as PyTorch's .bin or .pt, which can run code; convert it to safetensors",
     0},
    {0, 4, "PK\5\6", "an empty ZIP archive" CONVERT, 0},
    {0, 4, "GGUF", "GGUF, llama.cpp's format; give whisper.cpp's ggml-*.bin or safetensors", 0},
    {0, 4, "tjgg", "an old ggml file (ggjt)" CONVERT, 0},
    {0, 4, "fmgg", "an old ggml file (ggmf)" CONVERT, 0},
    {0, 2, "\x1f\x8b", "a gzip archive" UNPACK, 0},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "an xz archive" UNPACK, 0},
    {0, 4, "\x28\xb5\x2f\xfd", "a zstd archive" UNPACK, 0},
    {0, 3, "BZh", "a bzip2 archive" UNPACK, 0},
    {0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive" UNPACK, 0},
    {0, 4, "Rar!", "a RAR archive" UNPACK, 0},
    {257, 5, "ustar", "a tar archive, as .nemo files are" UNPACK, 0},
    {0, 8, "\x89HDF\r\n\x1a\n", "HDF5, TensorFlow's .h5" CONVERT, 0},
    {4, 4, "TFL3", "TensorFlow Lite" CONVERT, 0},
    {6, 11, "WhisperSpec", "CTranslate2's model.bin, faster-whisper's format" CONVERT, 0},
    {0, 6, "\x93NUMPY", "a NumPy array" CONVERT, 0},
    {0, 4,
     "\x7f"
     "ELF",
     "a program or library" CONVERT, -EBADMSG},
    {0, 4, "fLaC", "audio (FLAC)" AUDIO, -EBADMSG},
    {0, 4, "OggS", "audio (Ogg)" AUDIO, -EBADMSG},
    {0, 3, "ID3", "audio (MP3)" AUDIO, -EBADMSG},
    {8, 4, "WAVE", "audio (WAV)" AUDIO, -EBADMSG},
    {4, 4, "ftyp", "audio or video (MP4)" AUDIO, -EBADMSG},
    {0, 4, "\x1a\x45\xdf\xa3", "audio or video (WebM or Matroska)" AUDIO, -EBADMSG},
};

static int fail_format(const struct npu_file_source *source, int code, const char *what,
                       struct npu_error *err)
{
    return npu_fail(err, code, "%s: expected a safetensors or ggml file, found %s", source->label,
                    what);
}

/* Protobuf's first field, the version, small; then a string or the graph. */
static bool is_onnx(const struct head *head)
{
    uint8_t next = head->bytes[2];
    return head->bytes[0] == 0x08 && head->bytes[1] >= 1 && head->bytes[1] <= 32 &&
           (next == 0x12 || next == 0x1a || next == 0x22 || next == 0x32 || next == 0x3a ||
            next == 0x42);
}

/* A pickle of protocol 2 .. 5, PyTorch's files before ZIP. */
static bool is_pickle(const struct head *head)
{
    uint8_t first = head->bytes[2];
    return head->bytes[0] == 0x80 && head->bytes[1] >= 2 && head->bytes[1] <= 5 &&
           (first == 0x8a || first == 0x95 || first == '}' || first == ']' || first == 'c');
}

/* A map of a few short names. */
static bool is_msgpack(const struct head *head)
{
    uint8_t n = head->bytes[1] & 0x1f;
    bool text = head->bytes[0] >= 0x81 && head->bytes[0] <= 0x8f && head->bytes[1] >> 5 == 5 && n;
    for (uint8_t i = 0; i < n && text; i++)
        text = isalnum(head->bytes[2 + i]) || head->bytes[2 + i] == '_';
    return text;
}

/* Whether the first bytes are printable or blank, in ASCII, or in what may be UTF-8. */
static bool is_text(const struct head *head, size_t most, bool ascii)
{
    for (size_t i = 0; i < head->n && i < most; i++) {
        uint8_t c = head->bytes[i];
        if (c < 32 ? !isspace(c) : c == 127 || (ascii && c > 127))
            return false;
    }
    return true;
}

static int fail_pointer(const struct npu_file_source *source, const struct head *head,
                        struct npu_error *err)
{
    const char *line = strstr((const char *)head->bytes, "\nsize ");
    char size[48] = "";
    size_t digits = line ? strspn(line + 6, "0123456789") : 0;
    if (digits > 0 && digits < 21)
        snprintf(size, sizeof(size), " to a file of %.*s bytes", (int)digits, line + 6);
    return npu_fail(err, -EBADMSG,
                    "%s: expected a safetensors or ggml file, found a Git LFS pointer%s, not the "
                    "file itself; fetch that with `git lfs pull` or `hf download`",
                    source->label, size);
}

/* Shows the file's beginning in hexadecimal, and as letters where it is text. */
static int fail_other(const struct npu_file_source *source, const struct head *head,
                      struct npu_error *err)
{
    const uint8_t *b = head->bytes;
    char quote[64] = "";
    if (b[0] == 0 && memcmp(b, b + 1, head->n - 1) == 0)
        return fail_format(source, -EBADMSG,
                           "zeros at its beginning, as of a download that was never finished; "
                           "fetch it again",
                           err);
    if (is_text(head, HEAD_BYTES, true)) {
        const char *text = (const char *)b + strspn((const char *)b, " \t\r\n\v\f");
        size_t n = strcspn(text, "\r\n");
        snprintf(quote, sizeof(quote), ", the text \"%.*s\"", (int)(n < 40 ? n : 40), text);
    }
    return npu_fail(err, -EBADMSG,
                    "%s: expected a safetensors or ggml file, found one that starts with %02x %02x "
                    "%02x %02x %02x %02x %02x %02x%s",
                    source->label, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], quote);
}

static int fail_foreign(const struct npu_file_source *source, const struct head *head,
                        struct npu_error *err)
{
    const char *text = (const char *)head->bytes;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if (head->n >= magics[i].at + magics[i].n &&
            memcmp(head->bytes + magics[i].at, magics[i].bytes, magics[i].n) == 0)
            return fail_format(source, magics[i].code ? magics[i].code : -ENOTSUP, magics[i].what,
                               err);
    if (strncmp(text, "version https://git-lfs", 23) == 0 ||
        strncmp(text, "version https://hawser", 22) == 0)
        return fail_pointer(source, head, err);
    if (is_onnx(head))
        return fail_format(source, -ENOTSUP, "ONNX" CONVERT, err);
    if (is_pickle(head))
        return fail_format(source, -ENOTSUP,
                           "a Python pickle, as old PyTorch files are, which can run code; convert "
                           "it to safetensors",
                           err);
    if (is_msgpack(head))
        return fail_format(source, -ENOTSUP, "MessagePack, Flax's .msgpack" CONVERT, err);
    if (head->bytes[0] == 0xff && (head->bytes[1] & 0xe6) == 0xe2)
        return fail_format(source, -EBADMSG, "audio (MP3)" AUDIO, err);
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        text += 3;
    text += strspn(text, " \t\r\n");
    if (strncasecmp(text, "<?xml", 5) == 0)
        return fail_format(source, -EBADMSG,
                           "XML, as of a server's error message or OpenVINO's description of a "
                           "model" CONVERT,
                           err);
    if (*text == '<' && is_text(head, HEAD_BYTES, false))
        return fail_format(source, -EBADMSG,
                           "a web page, not the model: the download went to a page such as a "
                           "login; fetch the file itself, with `hf download` for one",
                           err);
    if (*text == '[' || *text == '{')
        return fail_format(source, -ENOTSUP,
                           "JSON that is no index of a sharded model; give the weights file", err);
    return fail_other(source, head, err);
}

int npu_foreign_check(enum npu_format *format, const struct npu_file_source *source,
                      struct npu_error *err)
{
    struct head head = {.n = HEAD_BYTES};
    if ((uint64_t)source->opened.st_size < HEAD_BYTES)
        head.n = (size_t)source->opened.st_size;
    int code = npu_file_read(source->fd, source->label, "start", 0, head.bytes, head.n, err);
    if (code)
        return code;
    /* a safetensors file begins with the length of its header, which no text does */
    if (npu_load_le32(head.bytes) == NPU_GGML_MAGIC)
        *format = NPU_FORMAT_GGML;
    else if (head.bytes[8] == '{' && !is_text(&head, 8, true))
        *format = NPU_FORMAT_SAFETENSORS;
    else if (head.bytes[0] == '{' && is_text(&head, 8, true))
        *format = NPU_FORMAT_JSON;
    else
        code = fail_foreign(source, &head, err);
    return code;
}
