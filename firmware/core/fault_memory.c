#include "fault_memory.h"

#include "raster.h"

#define SECOND_ms 1000U

void fault_memory_init(fault_memory_t *memory)
{
    *memory = (fault_memory_t){.part_ticks = 0U};
    for (uint32_t i = 0U; i < (uint32_t)FAULT_FRAMES; i++) {
        memory->keep.frame[i].fault = FAULT_NONE;
    }
}

/* The place of a fault's frame; if it has none, the one that it may take; FAULT_FRAMES if there is none. */
static uint32_t place_of(const fault_keep_t *keep, fault_id_t id)
{
    const fault_severity_t own      = fault_severity_of(id);
    uint32_t               place    = FAULT_FRAMES;
    fault_severity_t       mildest  = own;
    uint32_t               oldest_s = UINT32_MAX;

    for (uint32_t i = 0U; i < (uint32_t)FAULT_FRAMES; i++) {
        const fault_frame_t   *frame    = &keep->frame[i];
        const fault_severity_t severity = fault_severity_of((fault_id_t)frame->fault); /* a free place is the mildest */
        const bool             is_better = (severity < mildest) || ((severity == mildest) && (frame->at_s < oldest_s));

        if (frame->fault == (uint8_t)id) {
            place = i;
            break;
        }
        if (is_better) {
            place    = i;
            mildest  = severity;
            oldest_s = frame->at_s;
        }
    }
    return place;
}

static void note(fault_keep_t *keep, fault_id_t id, const fault_scene_t *scene)
{
    const uint32_t place = place_of(keep, id);

    keep->count[id]       = numeric_count_u8(keep->count[id]);
    keep->away_cycles[id] = 0U;
    if ((place < (uint32_t)FAULT_FRAMES) && (keep->frame[place].fault != (uint8_t)id)) {
        keep->frame[place] = (fault_frame_t){
            .at_s = keep->operating_s, .scene = *scene, .cycle = keep->cycle_count, .fault = (uint8_t)id};
    }
}

void fault_memory_tick(fault_memory_t *memory, const fault_t *fault, const fault_scene_t *scene)
{
    for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
        const uint32_t active = fault->active_mask[word] & fault_known_mask(word);

        for (uint32_t left = active & ~memory->seen_mask[word]; left != 0U; left = numeric_without_lowest_bit(left)) {
            note(&memory->keep, (fault_id_t)((word * 32U) + numeric_lowest_bit(left)), scene);
        }
        memory->seen_mask[word] = active;
        memory->cycle_mask[word] |= active;
    }
    memory->part_ticks = (uint16_t)(memory->part_ticks + RASTER_TICKS);
    if (memory->part_ticks >= SECOND_ms) {
        memory->part_ticks       = 0U;
        memory->keep.operating_s = numeric_count_u32(memory->keep.operating_s);
    }
}

static void forget(fault_keep_t *keep, uint32_t id)
{
    keep->count[id]       = 0U;
    keep->away_cycles[id] = 0U;
    for (uint32_t i = 0U; i < (uint32_t)FAULT_FRAMES; i++) {
        if (keep->frame[i].fault == (uint8_t)id) {
            keep->frame[i] = (fault_frame_t){.fault = FAULT_NONE};
        }
    }
}

static void age(fault_memory_t *memory, const vcu_calibration_t *cal)
{
    fault_keep_t *keep = &memory->keep;

    for (uint32_t id = 0U; id < (uint32_t)FAULT_COUNT; id++) {
        const bool was_there = ((memory->cycle_mask[id / 32U] >> (id % 32U)) & 1U) != 0U;

        keep->away_cycles[id] = was_there ? 0U : numeric_count_u8(keep->away_cycles[id]);
        if (keep->count[id] == 0U) {
            keep->away_cycles[id] = 0U;
        } else if (keep->away_cycles[id] >= cal->fault_age_cycles) {
            forget(keep, id);
        } else {
            /* remembered for some cycles more */
        }
    }
}

void fault_memory_cycle(fault_memory_t *memory, const vcu_calibration_t *cal, bool is_driven, bool is_key_off)
{
    if (is_key_off && (memory->is_driving != 0U)) {
        age(memory, cal);
        memory->is_driving = 0U;
    } else if (is_driven && (memory->is_driving == 0U)) {
        memory->is_driving       = 1U;
        memory->keep.cycle_count = numeric_count_u16(memory->keep.cycle_count);
        for (uint32_t word = 0U; word < (uint32_t)FAULT_WORDS; word++) {
            memory->cycle_mask[word] = memory->seen_mask[word];
        }
    } else {
        /* goes on */
    }
}

uint32_t fault_memory_mask(const fault_memory_t *memory, uint32_t word)
{
    uint32_t mask = 0U;

    for (uint32_t id = word * 32U; (id < ((word + 1U) * 32U)) && (id < (uint32_t)FAULT_COUNT); id++) {
        mask |= ((memory->keep.count[id] > 0U) ? (uint32_t)1U : 0U) << (id % 32U);
    }
    return mask;
}

void fault_memory_recall(fault_memory_t *memory, const fault_keep_t *keep)
{
    memory->keep = *keep;
    for (uint32_t i = 0U; i < (uint32_t)FAULT_FRAMES; i++) {
        if (keep->frame[i].fault >= (uint8_t)FAULT_COUNT) {
            memory->keep.frame[i] = (fault_frame_t){.fault = FAULT_NONE};
        }
    }
}
