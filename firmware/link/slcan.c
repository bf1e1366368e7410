#include "slcan.h"

#include "numeric.h"

#define CR 0x0DU
#define LF 0x0AU
#define BEL 0x07U

#define DATA_MAX 8U
#define STANDARD_DIGITS 3U
#define EXTENDED_DIGITS 8U
#define STANDARD_ID_MAX 0x7FFU
#define EXTENDED_ID_MAX 0x1FFFFFFFU
#define STAMP_PERIOD_MS 60000U /* a stamp of LAWICEL counts a minute */

/* ---- answers */

static void say(slcan_t *slcan, uint8_t character)
{
    if (slcan->reply_length < SLCAN_REPLY_MAX) {
        slcan->reply[slcan->reply_length] = character;
        slcan->reply_length++;
    }
}

static uint8_t digit_of(uint32_t value)
{
    static const uint8_t digits[16] = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};

    return digits[value & 15U];
}

static void say_value(slcan_t *slcan, uint8_t letter, uint32_t value, uint32_t digits)
{
    say(slcan, letter);
    for (uint32_t left = digits; left > 0U; left--) {
        say(slcan, digit_of(value >> (4U * (left - 1U))));
    }
}

static void refuse(slcan_t *slcan)
{
    slcan->refused_count = numeric_count_u32(slcan->refused_count);
    say(slcan, BEL);
}

/* ---- digits */

/* Value of a hexadecimal digit; 16 when it is none. */
static uint32_t value_of(uint8_t character)
{
    uint32_t value = 16U;

    if ((character >= (uint8_t)'0') && (character <= (uint8_t)'9')) {
        value = (uint32_t)character - (uint32_t)'0';
    } else if ((character >= (uint8_t)'A') && (character <= (uint8_t)'F')) {
        value = (uint32_t)character - (uint32_t)'A' + 10U;
    } else if ((character >= (uint8_t)'a') && (character <= (uint8_t)'f')) {
        value = (uint32_t)character - (uint32_t)'a' + 10U;
    } else {
        /* no digit */
    }
    return value;
}

/* At most eight digits, or false when one is none. */
static bool read_digits(const uint8_t *characters, uint32_t count, uint32_t *value)
{
    bool is_number = true;

    *value = 0U;
    for (uint32_t i = 0U; i < count; i++) {
        const uint32_t digit = value_of(characters[i]);

        is_number = is_number && (digit < 16U);
        *value    = (*value << 4) | (digit & 15U);
    }
    return is_number;
}

/* ---- frames */

typedef struct {
    uint32_t id_max;
    uint8_t  letter;
    uint8_t  id_digits;
    uint8_t  flags;
    uint8_t  acknowledgement;
} shape_t;

static const shape_t shapes[] = {
    {STANDARD_ID_MAX, 't', STANDARD_DIGITS, 0U, 'z'},
    {EXTENDED_ID_MAX, 'T', EXTENDED_DIGITS, CAN_FRAME_EXTENDED, 'Z'},
    {STANDARD_ID_MAX, 'r', STANDARD_DIGITS, CAN_FRAME_REMOTE, 'z'},
    {EXTENDED_ID_MAX, 'R', EXTENDED_DIGITS, CAN_FRAME_EXTENDED | CAN_FRAME_REMOTE, 'Z'},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Position among the shapes, or SHAPES: no frame. */
static uint32_t shape_of(uint8_t letter)
{
    uint32_t found = SHAPES;

    for (uint32_t i = 0U; i < SHAPES; i++) {
        if (shapes[i].letter == letter) {
            found = i;
        }
    }
    return found;
}

static bool read_data(const uint8_t *characters, can_frame_t *frame)
{
    bool is_data = true;

    for (uint32_t i = 0U; i < frame->length; i++) {
        uint32_t value = 0U;

        is_data        = is_data && read_digits(&characters[2U * i], 2U, &value);
        frame->data[i] = (uint8_t)(value & 0xFFU);
    }
    return is_data;
}

/* A line is a frame when every character of it is where it must be and none is left over. */
static bool read_frame(const slcan_t *slcan, const shape_t *shape, can_frame_t *frame)
{
    const uint32_t head     = 2U + shape->id_digits; /* letter, identifier, length */
    uint32_t       length   = 0U;
    bool           is_frame = slcan->length >= head;

    *frame = (can_frame_t){.flags = shape->flags};
    if (is_frame) {
        is_frame = read_digits(&slcan->line[1], shape->id_digits, &frame->id) && (frame->id <= shape->id_max) &&
                   read_digits(&slcan->line[head - 1U], 1U, &length) && (length <= DATA_MAX);
    }
    if (is_frame) {
        const uint32_t data_digits = ((shape->flags & CAN_FRAME_REMOTE) != 0U) ? 0U : (2U * length);

        frame->length = (uint8_t)length;
        is_frame      = (slcan->length == (head + data_digits)) &&
                        ((data_digits == 0U) || read_data(&slcan->line[head], frame));
    }
    return is_frame;
}

static slcan_event_t take_frame(slcan_t *slcan, const shape_t *shape, can_frame_t *frame)
{
    slcan_event_t event = SLCAN_EVENT_NONE;

    if ((slcan->mode == (uint8_t)SLCAN_MODE_OPEN) && read_frame(slcan, shape, frame)) {
        event              = SLCAN_EVENT_FRAME;
        slcan->frame_count = numeric_count_u32(slcan->frame_count);
        if (slcan->is_acknowledged != 0U) {
            say(slcan, shape->acknowledgement);
        }
        say(slcan, CR);
    } else {
        refuse(slcan);
    }
    return event;
}

/* ---- commands */

#define IN_CLOSED (1U << (uint32_t)SLCAN_MODE_CLOSED)
#define IN_OPEN (1U << (uint32_t)SLCAN_MODE_OPEN)
#define IN_LISTEN (1U << (uint32_t)SLCAN_MODE_LISTEN)
#define IN_ANY (IN_CLOSED | IN_OPEN | IN_LISTEN)

typedef enum {
    COMMAND_OPEN = 0,
    COMMAND_LISTEN,
    COMMAND_CLOSE,
    COMMAND_VERSION,
    COMMAND_NUMBER,
    COMMAND_STATUS,
    COMMAND_SETTINGS, /* all further ones take a value */
    COMMAND_RATE = COMMAND_SETTINGS,
    COMMAND_TIMING,
    COMMAND_STAMP,
    COMMAND_ACKNOWLEDGE,
    COMMAND_CODE,
    COMMAND_MASK,
    COMMAND_COUNT
} command_t;

typedef struct {
    uint32_t value_max;
    uint8_t  letter;
    uint8_t  digits;
    uint8_t  modes; /* in which it is allowed */
} form_t;

static const form_t forms[COMMAND_COUNT] = {
    [COMMAND_OPEN]        = {0U, 'O', 0U, IN_CLOSED | IN_OPEN},
    [COMMAND_LISTEN]      = {0U, 'L', 0U, IN_CLOSED | IN_LISTEN},
    [COMMAND_CLOSE]       = {0U, 'C', 0U, IN_ANY},
    [COMMAND_VERSION]     = {0U, 'V', 0U, IN_ANY},
    [COMMAND_NUMBER]      = {0U, 'N', 0U, IN_ANY},
    [COMMAND_STATUS]      = {0U, 'F', 0U, IN_OPEN | IN_LISTEN},
    [COMMAND_RATE]        = {8U, 'S', 1U, IN_CLOSED},
    [COMMAND_TIMING]      = {0xFFFFU, 's', 4U, IN_CLOSED},
    [COMMAND_STAMP]       = {1U, 'Z', 1U, IN_CLOSED},
    [COMMAND_ACKNOWLEDGE] = {1U, 'X', 1U, IN_CLOSED},
    [COMMAND_CODE]        = {UINT32_MAX, 'M', 8U, IN_CLOSED},
    [COMMAND_MASK]        = {UINT32_MAX, 'm', 8U, IN_CLOSED},
};

static command_t command_of(uint8_t letter)
{
    uint32_t found = (uint32_t)COMMAND_COUNT;

    for (uint32_t i = 0U; i < (uint32_t)COMMAND_COUNT; i++) {
        if (forms[i].letter == letter) {
            found = i;
        }
    }
    return (command_t)found;
}

static bool is_well_formed(const slcan_t *slcan, command_t command, uint32_t *value)
{
    bool is_well = command != COMMAND_COUNT;

    if (is_well) {
        const form_t  *form = &forms[command];
        const uint32_t mode = 1U << slcan->mode;

        is_well = ((form->modes & mode) != 0U) && (slcan->length == (1U + form->digits)) &&
                  read_digits(&slcan->line[1], form->digits, value) && (*value <= form->value_max);
    }
    return is_well;
}

static void set(slcan_t *slcan, command_t command, uint32_t value)
{
    if (command == COMMAND_RATE) {
        slcan->bit_rate = (uint8_t)(value & 0xFFU);
    } else if (command == COMMAND_TIMING) {
        slcan->bit_timing = (uint16_t)(value & 0xFFFFU);
    } else if (command == COMMAND_STAMP) {
        slcan->is_stamped = (uint8_t)(value & 1U);
    } else if (command == COMMAND_ACKNOWLEDGE) {
        slcan->is_acknowledged = (uint8_t)(value & 1U);
    } else if (command == COMMAND_CODE) {
        slcan->acceptance_code = value;
    } else {
        slcan->acceptance_mask = value;
    }
}

static void open_as(slcan_t *slcan, slcan_mode_t mode)
{
    if (!slcan_is_open(slcan)) {
        slcan->opened_count++;
    }
    slcan->mode = (uint8_t)mode;
}

static slcan_event_t obey(slcan_t *slcan, command_t command)
{
    slcan_event_t event = SLCAN_EVENT_NONE;

    if (command == COMMAND_OPEN) {
        open_as(slcan, SLCAN_MODE_OPEN);
    } else if (command == COMMAND_LISTEN) {
        open_as(slcan, SLCAN_MODE_LISTEN);
    } else if (command == COMMAND_CLOSE) {
        slcan->mode = (uint8_t)SLCAN_MODE_CLOSED;
        event       = SLCAN_EVENT_CLOSED;
    } else if (command == COMMAND_VERSION) {
        say_value(slcan, (uint8_t)'V', 0x1013U, 4U); /* of the protocol: hardware 1.0, software 1.3 */
    } else if (command == COMMAND_NUMBER) {
        say_value(slcan, (uint8_t)'N', slcan->serial_number, 4U);
    } else {
        say_value(slcan, (uint8_t)'F', slcan->status, 2U);
        slcan->status = 0U;
    }
    return event;
}

static slcan_event_t take_command(slcan_t *slcan)
{
    const command_t command = command_of(slcan->line[0]);
    slcan_event_t   event   = SLCAN_EVENT_NONE;
    uint32_t        value   = 0U;

    if (!is_well_formed(slcan, command, &value)) {
        refuse(slcan);
    } else if (command >= COMMAND_SETTINGS) {
        set(slcan, command, value);
        say(slcan, CR);
    } else {
        event = obey(slcan, command);
        say(slcan, CR);
    }
    return event;
}

/* ---- lines */

static slcan_event_t take_line(slcan_t *slcan, can_frame_t *frame)
{
    slcan_event_t event = SLCAN_EVENT_NONE;

    if (slcan->length == 0U) {
        say(slcan, CR);
    } else { /* a line that was too long has a length that nothing has, and is refused for it */
        const uint32_t shape = shape_of(slcan->line[0]);

        event = (shape < SHAPES) ? take_frame(slcan, &shapes[shape], frame) : take_command(slcan);
    }
    slcan->length = 0U;
    return event;
}

void slcan_init(slcan_t *slcan, uint16_t serial_number)
{
    *slcan = (slcan_t){.serial_number = serial_number, .acceptance_mask = UINT32_MAX};
}

slcan_event_t slcan_feed(slcan_t *slcan, uint8_t byte, can_frame_t *frame)
{
    slcan_event_t event = SLCAN_EVENT_NONE;

    slcan->reply_length = 0U;
    if (byte == CR) {
        event = take_line(slcan, frame);
    } else if (byte == LF) {
        /* no part of any line */
    } else if (slcan->length < SLCAN_COMMAND_MAX) {
        slcan->line[slcan->length] = byte;
        slcan->length++;
    } else {
        slcan->length = (uint8_t)(SLCAN_COMMAND_MAX + 1U);
    }
    return event;
}

bool slcan_is_open(const slcan_t *slcan)
{
    return slcan->mode != (uint8_t)SLCAN_MODE_CLOSED;
}

void slcan_raise(slcan_t *slcan, uint8_t status)
{
    slcan->status = (uint8_t)(slcan->status | status);
}

/* ---- printing */

static uint32_t put_digits(uint8_t *out, uint32_t value, uint32_t digits)
{
    for (uint32_t i = 0U; i < digits; i++) {
        out[i] = digit_of(value >> (4U * (digits - 1U - i)));
    }
    return digits;
}

static uint32_t put_data(uint8_t *out, const can_frame_t *frame, uint32_t count)
{
    for (uint32_t i = 0U; i < count; i++) {
        (void)put_digits(&out[2U * i], frame->data[i], 2U);
    }
    return 2U * count;
}

uint32_t slcan_print(const slcan_t *slcan, const can_frame_t *frame, uint32_t time_ms, uint8_t out[SLCAN_LINE_MAX])
{
    const bool     is_extended = (frame->flags & CAN_FRAME_EXTENDED) != 0U;
    const bool     is_remote   = (frame->flags & CAN_FRAME_REMOTE) != 0U;
    const uint32_t count       = (frame->length <= DATA_MAX) ? frame->length : DATA_MAX;
    const uint32_t shape       = (is_extended ? 1U : 0U) + (is_remote ? 2U : 0U);
    uint32_t       length      = 1U;

    out[0] = shapes[shape].letter;
    length += put_digits(&out[length], frame->id & shapes[shape].id_max, shapes[shape].id_digits);
    length += put_digits(&out[length], count, 1U);
    if (!is_remote) {
        length += put_data(&out[length], frame, count);
    }
    if (slcan->is_stamped != 0U) {
        length += put_digits(&out[length], time_ms % STAMP_PERIOD_MS, 4U);
    }
    out[length] = CR;
    return length + 1U;
}
