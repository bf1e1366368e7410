/*
 * The floor: what a pass over a trace costs at least. It reads, parses and decodes every signal to a double and checks
 * nothing: a measure for d7xr, no reader to be used. Run as `floor FORMAT FILE TABLE`; TABLE has a line for each
 * signal, `id shift bits is_signed scale offset`, all in Intel order. It prints frames, values, the sum of the values'
 * bits modulo 2^64 and the nanoseconds that it took. Without TABLE frames are parsed into columns and not decoded: what
 * a reader costs that checks nothing.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    IDS     = 2048,
    SIGNALS = 16,
    ROWS    = 8192,
    BUFFER  = 256 * 1024
};

typedef struct {
    uint32_t shift, bits;
    bool     is_signed;
    double   scale, offset;
} signal_t;

static signal_t      table[IDS][SIGNALS];
static uint32_t      signals_of[IDS];
static unsigned char buffer[2 * BUFFER];
static uint8_t       nibble_of[256];
static uint64_t      frames, values, sum, latest;
static bool          is_parsed_alone;
static uint64_t      times[ROWS], words[ROWS];
static uint32_t      ids[ROWS];

static void decode(uint32_t id, uint64_t word)
{
    if (is_parsed_alone) {
        const size_t row = frames % ROWS;
        times[row]       = latest;
        ids[row]         = id;
        words[row]       = word;
        ++frames;
        return;
    }
    for (uint32_t n = 0; n < signals_of[id]; ++n) {
        const signal_t *s     = &table[id][n];
        const uint32_t  spare = 64U - s->bits;
        const uint64_t  field = word << (spare - s->shift);
        const double    raw   = s->is_signed ? (double)((int64_t)field >> spare) : (double)(field >> spare);
        const double    value = raw * s->scale + s->offset;
        uint64_t        bits;
        memcpy(&bits, &value, sizeof bits);
        sum += bits;
        ++values;
    }
    ++frames;
}

static uint64_t hex_word(const unsigned char *text, size_t digits, size_t stride)
{
    uint64_t word = 0;
    for (size_t n = 0; 2 * n < digits; ++n) {
        const unsigned char *byte = text + n * stride;
        word |= (uint64_t)(nibble_of[byte[0]] << 4 | nibble_of[byte[1]]) << (8 * n);
    }
    return word;
}

static uint32_t hex_id(const unsigned char **text)
{
    uint32_t id = 0;
    for (; nibble_of[**text] < 16; ++*text) {
        id = id << 4 | nibble_of[**text];
    }
    return id & (IDS - 1);
}

static const unsigned char *behind(const unsigned char *text, unsigned char mark)
{
    while (*text++ != mark) {
    }
    return text;
}

static uint64_t stamp(const unsigned char *text)
{
    uint64_t time = 0;
    for (; *text == '.' || (*text >= '0' && *text <= '9'); ++text) {
        time = *text == '.' ? time : 10 * time + (uint64_t)(*text - '0');
    }
    return time;
}

static void log_line(const unsigned char *line, const unsigned char *end)
{
    latest                    = stamp(line + 1);
    const unsigned char *text = behind(behind(line + 2, ' '), ' ');
    const uint32_t       id   = hex_id(&text);
    decode(id, hex_word(text + 1, (size_t)(end - text - 1), 2));
}

static const unsigned char *word_behind(const unsigned char *text)
{
    while (*text == ' ') {
        ++text;
    }
    while (*text != ' ') {
        ++text;
    }
    while (*text == ' ') {
        ++text;
    }
    return text;
}

static void asc_line(const unsigned char *line, const unsigned char *end)
{
    const unsigned char *text = word_behind(line);
    if (*text < '0' || *text > '9') {
        return;
    }
    latest            = stamp(line + (*line == ' '));
    text              = word_behind(text);
    const uint32_t id = hex_id(&text);
    text              = word_behind(word_behind(word_behind(text)));
    (void)end;
    const size_t length = (size_t)(text[-2] - '0');
    decode(id, hex_word(text, 2 * length, 3));
}

static void trc_line(const unsigned char *line, const unsigned char *end)
{
    if (*line == ';') {
        return;
    }
    const unsigned char *text  = word_behind(line);
    latest                     = stamp(text);
    text                       = word_behind(word_behind(word_behind(text)));
    const uint32_t       id    = hex_id(&text);
    const unsigned char *bytes = word_behind(word_behind(word_behind(text)));
    decode(id, hex_word(bytes, (size_t)(end - bytes + 1) / 3 * 2, 3));
}

static void csv_line(const unsigned char *line, const unsigned char *end)
{
    static const uint8_t of_base64[] = {62, 0,  0,  0,  63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 0,  0,  0,  0,  0,
                                        0,  0,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                                        18, 19, 20, 21, 22, 23, 24, 25, 0,  0,  0,  0,  0,  0,  26, 27, 28, 29, 30, 31,
                                        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};
    if (*line == 't') {
        return;
    }
    latest                    = stamp(line);
    const unsigned char *text = behind(line, ',') + 2;
    const uint32_t       id   = hex_id(&text);
    text                      = behind(behind(behind(behind(text, ','), ','), ','), ',');
    const size_t length       = (size_t)(*text - '0');
    uint64_t     word         = 0;
    size_t       at           = 0;
    for (text += 2; text + 4 <= end && at < length; text += 4) {
        uint32_t group = 0;
        for (size_t n = 0; n < 4; ++n) {
            group = group << 6 | (text[n] == '=' ? 0U : of_base64[text[n] - '+']);
        }
        for (size_t n = 0; n < 3 && at < length; ++n, ++at) {
            word |= (uint64_t)(group >> (16 - 8 * n) & 0xFFU) << (8 * at);
        }
    }
    decode(id, word);
}

static void pass(int file, void (*line_of)(const unsigned char *, const unsigned char *))
{
    size_t kept = 0;
    for (;;) {
        const ssize_t got = read(file, buffer + kept, BUFFER);
        if (got <= 0) {
            return;
        }
        const unsigned char *line = buffer, *end = buffer + kept + (size_t)got;
        for (;;) {
            const unsigned char *feed = memchr(line, '\n', (size_t)(end - line));
            if (feed == NULL) {
                break;
            }
            line_of(line, feed > line && feed[-1] == '\r' ? feed - 1 : feed);
            line = feed + 1;
        }
        kept = (size_t)(end - line);
        memmove(buffer, line, kept);
    }
}

/* Records of 28 bytes: time as a double, 8 single bytes, identifier, data. They lie where `OFFSET:COUNT,...` says. */
static void pass_mf4(int file, const char *places)
{
    enum {
        RECORD  = 28,
        RECORDS = BUFFER / RECORD
    };
    while (*places != 0) {
        char       *rest;
        const off_t offset = strtol(places, &rest, 10);
        uint64_t    left   = strtoull(rest + 1, &rest, 10);
        places             = rest + (*rest == ',');
        if (lseek(file, offset, SEEK_SET) < 0) {
            exit(1);
        }
        while (left > 0) {
            const size_t  rows = left < RECORDS ? (size_t)left : RECORDS;
            const ssize_t got  = read(file, buffer, rows * RECORD);
            if (got <= 0) {
                exit(1);
            }
            for (size_t n = 0; n < (size_t)got / RECORD; ++n) {
                const unsigned char *record = buffer + n * RECORD;
                uint32_t             id;
                uint64_t             word;
                double               time;
                memcpy(&time, record, sizeof time);
                memcpy(&id, record + 16, sizeof id);
                memcpy(&word, record + 20, sizeof word);
                latest = (uint64_t)(time * 1e6 + 0.5);
                decode(id & (IDS - 1), word);
            }
            left -= (size_t)got / RECORD;
        }
    }
}

/* Objects of a BLF file that others have inflated, CAN messages all of them. */
static void pass_blf(int file)
{
    enum {
        OBJECT = 48
    };
    size_t kept = 0;
    for (;;) {
        const ssize_t got = read(file, buffer + kept, BUFFER);
        if (got <= 0) {
            return;
        }
        const unsigned char *object = buffer, *end = buffer + kept + (size_t)got;
        for (; object + OBJECT <= end; object += OBJECT) {
            uint32_t id;
            uint64_t word, time;
            memcpy(&time, object + 24, sizeof time);
            memcpy(&id, object + 36, sizeof id);
            memcpy(&word, object + 40, sizeof word);
            latest = time / 1000U;
            decode(id & (IDS - 1), word);
        }
        kept = (size_t)(end - object);
        memmove(buffer, object, kept);
    }
}

static void load(const char *path)
{
    FILE    *file = fopen(path, "r");
    uint32_t id, shift, bits, is_signed;
    double   scale, offset;
    if (file == NULL) {
        exit(1);
    }
    while (fscanf(file, "%u %u %u %u %lf %lf", &id, &shift, &bits, &is_signed, &scale, &offset) == 6) {
        table[id][signals_of[id]++] = (signal_t){shift, bits, is_signed != 0, scale, offset};
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: floor log|asc|trc|csv|blf|OFFSET:COUNT,... FILE [TABLE]\n");
        return 2;
    }
    memset(nibble_of, 16, sizeof nibble_of);
    for (uint8_t n = 0; n < 16; ++n) {
        nibble_of[(unsigned char)"0123456789ABCDEF"[n]] = n;
        nibble_of[(unsigned char)"0123456789abcdef"[n]] = n;
    }
    is_parsed_alone = argc == 3;
    if (!is_parsed_alone) {
        load(argv[3]);
    }
    const int       file = open(argv[2], O_RDONLY);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    switch (argv[1][0]) {
    case 'l':
        pass(file, log_line);
        break;
    case 'a':
        pass(file, asc_line);
        break;
    case 't':
        pass(file, trc_line);
        break;
    case 'c':
        pass(file, csv_line);
        break;
    case 'b':
        pass_blf(file);
        break;
    default:
        pass_mf4(file, argv[1]);
        break;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    const int64_t ns = (int64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (end.tv_nsec - begin.tv_nsec);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu64 "\n", frames, values, sum, ns, latest);
    return file < 0;
}
