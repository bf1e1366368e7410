#include "upload.h"

#include "bus_codec.h"
#include "bus_identity.h"

#define STANDING_BELOW_RPM 50.0f

static void answer_with(const upload_t *upload, upload_result_t result, uint32_t index, const vcu_t *vcu,
                        can_frame_t *answer)
{
    const struct bus_codec_calibration_answer_t told = {
        .answer_result  = (uint8_t)result,
        .answer_command = upload->command,
        .answer_index   = (uint16_t)(index & 0xFFFFU),
        .answer_word    = vcu->calibration_hash,
    };

    *answer = (can_frame_t){.id = BUS_CODEC_CALIBRATION_ANSWER_FRAME_ID, .length = BUS_CODEC_CALIBRATION_ANSWER_LENGTH};
    (void)bus_codec_calibration_answer_pack(answer->data, &told, sizeof(answer->data));
}

static upload_result_t begin(upload_t *upload, uint32_t count, uint32_t layout)
{
    const bool is_ours = (count == UPLOAD_WORDS) && (layout == BUS_IDENTITY_LAYOUT);

    upload->taken    = 0U;
    upload->is_begun = is_ours ? 1U : 0U;
    return is_ours ? UPLOAD_RESULT_DONE : UPLOAD_RESULT_OTHER_LAYOUT;
}

static upload_result_t take(upload_t *upload, uint32_t index, uint32_t word)
{
    const bool is_repeated = (index + 1U) == upload->taken;
    const bool is_next     = (index == upload->taken) && (index < UPLOAD_WORDS);
    const bool is_in_turn  = (upload->is_begun != 0U) && (is_next || is_repeated);

    if (is_in_turn) {
        upload->word[index] = word;
        upload->taken       = index + 1U;
    }
    return is_in_turn ? UPLOAD_RESULT_DONE : UPLOAD_RESULT_OUT_OF_TURN;
}

static uint32_t broken_rule(const vcu_calibration_t *set)
{
    uint32_t rule = 0U;

    while ((rule < (uint32_t)CALIBRATION_RULE_COUNT) && calibration_keeps_rule(set, (calibration_rule_t)rule)) {
        rule++;
    }
    return rule;
}

/* An engine that was never heard is none: a bench. In the host's time no car drives. */
static bool may_run(const vcu_t *vcu, bool is_free)
{
    return is_free && (vcu->bus.accepted_count[INPUTS_GROUP_ENGINE] > 0U) && !upload_engine_stands(vcu);
}

/* The first thing that speaks against the set, and what it is about. */
static upload_result_t judge(const upload_t *upload, uint32_t hash, bool engine_may_run, uint32_t *about)
{
    const uint32_t  range  = calibration_out_of_range(&upload->set);
    const uint32_t  rule   = broken_rule(&upload->set);
    upload_result_t result = UPLOAD_RESULT_DONE;

    if ((upload->is_begun == 0U) || (upload->taken != UPLOAD_WORDS)) {
        result = UPLOAD_RESULT_OUT_OF_TURN;
        *about = upload->taken;
    } else if (calibration_hash(&upload->set) != hash) {
        result = UPLOAD_RESULT_DAMAGED;
    } else if (range != 0U) {
        result = UPLOAD_RESULT_OUT_OF_RANGE;
        *about = range;
    } else if (rule < (uint32_t)CALIBRATION_RULE_COUNT) {
        result = UPLOAD_RESULT_BREAKS_RULE;
        *about = rule;
    } else if (engine_may_run) {
        result = UPLOAD_RESULT_ENGINE_RUNS;
    } else {
        /* nothing does */
    }
    return result;
}

void upload_init(upload_t *upload)
{
    *upload = (upload_t){.taken = 0U};
}

bool upload_is_load(const can_frame_t *frame)
{
    return (frame->id == BUS_CODEC_CALIBRATION_LOAD_FRAME_ID) && (frame->flags == 0U) &&
           (frame->length == BUS_CODEC_CALIBRATION_LOAD_LENGTH);
}

bool upload_receive(upload_t *upload, const can_frame_t *frame, const vcu_t *vcu, bool is_free, can_frame_t *answer)
{
    struct bus_codec_calibration_load_t load;
    upload_result_t                     result = UPLOAD_RESULT_UNKNOWN;

    (void)bus_codec_calibration_load_unpack(&load, frame->data, sizeof(frame->data));
    upload->command = load.load_command;
    upload->index   = load.load_index;

    uint32_t about = load.load_index;

    if (load.load_command == (uint8_t)UPLOAD_COMMAND_BEGIN) {
        result = begin(upload, load.load_index, load.load_word);
    } else if (load.load_command == (uint8_t)UPLOAD_COMMAND_WORD) {
        result = take(upload, load.load_index, load.load_word);
        about  = (result == UPLOAD_RESULT_OUT_OF_TURN) ? upload->taken : about;
    } else if (load.load_command == (uint8_t)UPLOAD_COMMAND_KEEP) {
        result             = judge(upload, load.load_word, may_run(vcu, is_free), &about);
        upload->is_offered = (result == UPLOAD_RESULT_DONE) ? 1U : 0U;
    } else {
        /* unknown */
    }
    answer_with(upload, result, about, vcu, answer);
    return upload->is_offered == 0U;
}

void upload_settle(upload_t *upload, upload_result_t result, const vcu_t *vcu, can_frame_t *answer)
{
    answer_with(upload, result, upload->index, vcu, answer);
    upload->is_offered = 0U;
    upload->is_begun   = 0U;
}

bool upload_engine_stands(const vcu_t *vcu)
{
    const signal_t *speed = &vcu->control.inputs.engine_speed_rpm;

    return signal_is_usable(speed) && (speed->value < STANDING_BELOW_RPM);
}
