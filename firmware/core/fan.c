#include "fan.h"

#include "raster.h"

void fan_bank_init(fan_bank_t *bank, const vcu_calibration_t *cal)
{
    *bank = (fan_bank_t){.since_start_ticks = UINT16_MAX};
    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        bank->fan[i].state_ticks = UINT16_MAX; /* rested since ever */
        bank->fan[i].duty_pct    = cal->cooling_duty_stop_pct;
    }
}

/* ---- health */

static void observe_current(fan_t *fan, const vcu_calibration_t *cal, const signal_t *current_A)
{
    const bool  is_due    = (fan->is_on != 0U) && (fan->state_ticks > cal->cooling_fan_spin_up_ms);
    const bool  is_known  = is_due && signal_is_usable(current_A);
    const float open_A    = cal->cooling_fan_current_A * cal->cooling_fan_open_ratio;
    const float stalled_A = cal->cooling_fan_current_A * cal->cooling_fan_stall_ratio;

    fan->open_ticks    = raster_held_u16(fan->open_ticks, is_known && (current_A->value < open_A));
    fan->stalled_ticks = raster_held_u16(fan->stalled_ticks, is_known && (current_A->value > stalled_A));
    if (fan->open_ticks >= cal->cooling_fan_bad_ms) {
        fan->is_open = 1U;
    } else if (is_known && (fan->open_ticks == 0U)) {
        fan->is_open = 0U;
    } else {
        /* nothing new */
    }
}

static uint32_t dropped_count(const fan_bank_t *bank)
{
    uint32_t count = 0U;

    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        count += bank->fan[i].is_dropped;
    }
    return count;
}

static void switch_fan(fan_t *fan, bool is_on)
{
    fan->is_on       = numeric_flag(is_on);
    fan->state_ticks = 0U;
}

static void judge_health(fan_bank_t *bank, const vcu_calibration_t *cal, const inputs_t *inputs)
{
    const signal_t *current[FAN_COUNT] = {&inputs->fan_1_current_A, &inputs->fan_2_current_A, &inputs->fan_3_current_A,
                                          &inputs->fan_4_current_A};

    bank->failed_mask  = 0U;
    bank->failed_count = 0U;
    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        fan_t *fan = &bank->fan[i];

        observe_current(fan, cal, current[i]);
        if (fan->is_dropped != 0U) {
            fan->retry_ticks = raster_count_u32(fan->retry_ticks);
            fan->is_dropped  = numeric_flag(fan->retry_ticks < cal->cooling_fan_retry_ms);
        } else if ((fan->stalled_ticks >= cal->cooling_fan_bad_ms) && (dropped_count(bank) < FAN_DROPPED_MAX)) {
            fan->is_dropped  = 1U;
            fan->retry_ticks = 0U;
            switch_fan(fan, false);
        } else {
            /* healthy, as far as anybody can see */
        }
        if ((fan->is_dropped != 0U) || (fan->is_open != 0U)) {
            bank->failed_mask = (uint8_t)(bank->failed_mask | (1U << i));
            bank->failed_count++;
        }
    }
}

/* ---- who runs */

static uint8_t fewest_hours(const fan_bank_t *bank)
{
    uint32_t best = 0U;

    for (uint32_t i = 1U; i < FAN_COUNT; i++) {
        if (bank->fan[i].run_ticks < bank->fan[best].run_ticks) {
            best = i;
        }
    }
    return (uint8_t)best;
}

/* The first `wanted` fans from the lead on that cool; an open one stays commanded but does not count. */
static uint32_t chosen_mask(const fan_bank_t *bank, uint32_t wanted)
{
    uint32_t mask    = 0U;
    uint32_t cooling = 0U;

    for (uint32_t k = 0U; (k < FAN_COUNT) && (cooling < wanted); k++) {
        const uint32_t i   = (bank->lead + k) % FAN_COUNT;
        const fan_t   *fan = &bank->fan[i];

        if (fan->is_dropped == 0U) {
            mask |= 1U << i;
            cooling += (fan->is_open != 0U) ? 0U : 1U;
        }
    }
    return mask;
}

static bool may_stop(const fan_t *fan, const vcu_calibration_t *cal)
{
    return fan->state_ticks >= cal->cooling_min_on_ms;
}

static bool has_rested(const fan_t *fan, const vcu_calibration_t *cal)
{
    return fan->state_ticks >= cal->cooling_min_off_ms;
}

static void stop_all(fan_bank_t *bank)
{
    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        if (bank->fan[i].is_on != 0U) {
            switch_fan(&bank->fan[i], false);
        }
    }
}

static void steer(fan_bank_t *bank, const vcu_calibration_t *cal, uint32_t i, bool is_chosen, bool may_start)
{
    fan_t     *fan       = &bank->fan[i];
    const bool is_spaced = bank->since_start_ticks >= cal->cooling_stagger_ms;

    if (!is_chosen && (fan->is_on != 0U) && may_stop(fan, cal)) {
        switch_fan(fan, false);
    } else if (is_chosen && (fan->is_on == 0U) && may_start && is_spaced && has_rested(fan, cal)) {
        switch_fan(fan, true);
        bank->since_start_ticks = 0U; /* one start at a time: inrush */
    } else {
        /* as it is */
    }
}

static void approach(fan_bank_t *bank, const vcu_calibration_t *cal, uint32_t wanted, bool may_start)
{
    if (bank->running_mask == 0U) {
        bank->lead = fewest_hours(bank);
    }

    const uint32_t mask    = chosen_mask(bank, wanted);
    const bool     is_done = mask == bank->running_mask;

    for (uint32_t k = 0U; (k < FAN_COUNT) && !is_done; k++) {
        const uint32_t i = (bank->lead + k) % FAN_COUNT;

        steer(bank, cal, i, ((mask >> i) & 1U) != 0U, may_start);
    }
}

/* ---- what goes on the wire: the speed is mapped onto the valid duty band, never clamped into it */

static void drive(fan_bank_t *bank, const vcu_calibration_t *cal)
{
    const float step = (cal->cooling_soft_start_pctps * (float)RASTER_TICKS) / (100.0f * NUMERIC_TICKS_PER_S);

    bank->running_mask = 0U;
    for (uint32_t i = 0U; i < FAN_COUNT; i++) {
        fan_t *fan = &bank->fan[i];

        if (fan->is_on != 0U) {
            fan->speed_ratio += step;
            fan->speed_ratio   = numeric_clamp(fan->speed_ratio, 0.0f, 1.0f);
            fan->duty_pct      = cal->cooling_duty_min_pct +
                                 (fan->speed_ratio * (cal->cooling_duty_max_pct - cal->cooling_duty_min_pct));
            fan->run_ticks     = raster_count_u32(fan->run_ticks);
            bank->running_mask = (uint8_t)(bank->running_mask | (1U << i));
        } else {
            fan->speed_ratio = 0.0f; /* a stop by-passes the ramp */
            fan->duty_pct    = cal->cooling_duty_stop_pct;
        }
        fan->state_ticks = raster_count_u16(fan->state_ticks);
    }
    bank->since_start_ticks = raster_count_u16(bank->since_start_ticks);
}

void fan_bank_tick(fan_bank_t *bank, const vcu_calibration_t *cal, const inputs_t *inputs, uint32_t wanted,
                   fan_order_t order)
{
    judge_health(bank, cal, inputs);
    switch (order) {
    case FAN_ORDER_RUN:
        approach(bank, cal, wanted, true);
        break;
    case FAN_ORDER_WAIT:
        approach(bank, cal, wanted, false);
        break;
    case FAN_ORDER_HOLD:
        break;
    case FAN_ORDER_STOP:
        stop_all(bank);
        break;
    }
    drive(bank, cal);
}
