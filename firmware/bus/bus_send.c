#include "bus.h"
#include "bus_codec.h"
#include "bus_identity.h"
#include "numeric.h"

#define FRAME_BYTES 8U
#define COUNTER_BYTE 6U
#define CRC_BYTE 7U
#define COUNTER_MASK 15U
#define COUNT_MOST 254U /* 255 is not available */

/* ---- what is sent, in the order of bus_sent_t */

typedef struct {
    uint32_t id;
    uint16_t period_ms;
    uint16_t delay_ms; /* spreads the slow messages over the second */
    uint8_t  is_protected;
} sent_t;

static const sent_t sent[BUS_SENT_COUNT] = {
    [BUS_SENT_TORQUE_COMMAND]  = {BUS_CODEC_TORQUE_COMMAND_FRAME_ID, BUS_CODEC_TORQUE_COMMAND_CYCLE_TIME_MS, 0U, 1U},
    [BUS_SENT_FLIGHT_STATUS]   = {BUS_CODEC_FLIGHT_STATUS_FRAME_ID, BUS_CODEC_FLIGHT_STATUS_CYCLE_TIME_MS, 1U, 1U},
    [BUS_SENT_COOLING_COMMAND] = {BUS_CODEC_COOLING_COMMAND_FRAME_ID, BUS_CODEC_COOLING_COMMAND_CYCLE_TIME_MS, 2U, 1U},
    [BUS_SENT_FAULT_STATUS]    = {BUS_CODEC_FAULT_STATUS_FRAME_ID, BUS_CODEC_FAULT_STATUS_CYCLE_TIME_MS, 3U, 0U},
    [BUS_SENT_INTAKE_STATUS]   = {BUS_CODEC_INTAKE_STATUS_FRAME_ID, BUS_CODEC_INTAKE_STATUS_CYCLE_TIME_MS, 104U, 0U},
    [BUS_SENT_HEAT_STATUS]     = {BUS_CODEC_HEAT_STATUS_FRAME_ID, BUS_CODEC_HEAT_STATUS_CYCLE_TIME_MS, 504U, 0U},
    [BUS_SENT_IDENTITY]        = {BUS_CODEC_IDENTITY_FRAME_ID, BUS_CODEC_IDENTITY_CYCLE_TIME_MS, 304U, 0U},
    [BUS_SENT_FUEL_STATUS]     = {BUS_CODEC_FUEL_STATUS_FRAME_ID, BUS_CODEC_FUEL_STATUS_CYCLE_TIME_MS, 204U, 0U},
    [BUS_SENT_IMPACT_STATUS]   = {BUS_CODEC_IMPACT_STATUS_FRAME_ID, BUS_CODEC_IMPACT_STATUS_CYCLE_TIME_MS, 404U, 0U},
};

/* The codes of core and bus are one. */
_Static_assert(TORQUE_REASON_STOP == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_STOP_CHOICE, "LimitReason");
_Static_assert(TORQUE_REASON_SLEW == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_SLEW_CHOICE, "LimitReason");
_Static_assert(TORQUE_REASON_FLIGHT_RAMP == BUS_CODEC_TORQUE_COMMAND_LIMIT_REASON_FLIGHT_RAMP_CHOICE, "LimitReason");
_Static_assert(FLIGHT_MODE_RAMP == BUS_CODEC_FLIGHT_STATUS_FLIGHT_STATE_RAMP_CHOICE, "FlightState");
_Static_assert(FLIGHT_MODE_DETECTOR_OFF == BUS_CODEC_FLIGHT_STATUS_DETECTOR_MODE_OFF_CHOICE, "DetectorMode");
_Static_assert(COOLING_RUN_ON == BUS_CODEC_COOLING_COMMAND_COOLING_STATE_RUN_ON_CHOICE, "CoolingState");
_Static_assert(FAULT_SEVERITY_STOP == BUS_CODEC_FAULT_STATUS_FAULT_SEVERITY_STOP_CHOICE, "FaultSeverity");
_Static_assert(MONITOR_CUT == BUS_CODEC_FAULT_STATUS_MONITOR_STATE_CUT_CHOICE, "MonitorState");
_Static_assert(MONITOR_CAUSE_FLOW == BUS_CODEC_FAULT_STATUS_MONITOR_CAUSE_FLOW_CHOICE, "MonitorCause");
_Static_assert(MONITOR_TEST_FAILED == BUS_CODEC_FAULT_STATUS_SHUT_OFF_TEST_FAILED_CHOICE, "ShutOffTest");
_Static_assert(COOLANT_PEERS_FROZEN == BUS_CODEC_HEAT_STATUS_COOLANT_PEERS_FROZEN_CHOICE, "CoolantPeers");
_Static_assert(FUEL_SOURCE_ASSUMED == BUS_CODEC_FUEL_STATUS_FUEL_SOURCE_ASSUMED_CHOICE, "FuelSource");
_Static_assert(FUEL_STAGE_RESERVE == BUS_CODEC_FUEL_STATUS_FUEL_STAGE_RESERVE_CHOICE, "FuelStage");
_Static_assert(IMPACT_KIND_LANDING == BUS_CODEC_IMPACT_STATUS_LAST_IMPACT_KIND_LANDING_CHOICE, "LastImpactKind");
_Static_assert(IMPACT_SEVERITY_SEVERE == BUS_CODEC_IMPACT_STATUS_LAST_IMPACT_SEVERITY_SEVERE_CHOICE,
               "LastImpactSeverity");
_Static_assert(FAULT_KEY_DISPUTED == BUS_CODEC_FAULT_STATUS_NEWEST_FAULT_KEY_DISPUTED_CHOICE, "NewestFault");

void bus_init_schedule(bus_t *bus)
{
    for (uint32_t i = 0U; i < (uint32_t)BUS_SENT_COUNT; i++) {
        bus->countdown_ms[i] = sent[i].delay_ms;
    }
}

void bus_schedule(bus_t *bus)
{
    for (uint32_t i = 0U; i < (uint32_t)BUS_SENT_COUNT; i++) {
        if (bus->countdown_ms[i] > 0U) {
            bus->countdown_ms[i]--;
        } else {
            const uint32_t bit = (uint32_t)1U << i;

            if ((bus->pending_mask & bit) != 0U) {
                bus->overrun_count = numeric_count_u32(bus->overrun_count);
            }
            bus->pending_mask    = (uint16_t)(bus->pending_mask | bit);
            bus->countdown_ms[i] = (uint16_t)(sent[i].period_ms - 1U);
        }
    }
}

/* ---- sending: saturate in physical units, then round by half a step, since the codec truncates */

static float ready(float value, float low, float high, float step)
{
    return numeric_clamp(value, low, high) + (0.5f * step);
}

static float torque_Nm(float value)
{
    return ready(value, -500.0f, 1546.5f, 0.5f);
}

static void put_torque(const control_t *control, uint8_t *data)
{
    const torque_t *torque = &control->torque;
    /* The last gate before the wire: level 2, whatever level 1 made of its bound. */
    const float granted_Nm                    = numeric_min(torque->granted_Nm, monitor_ceiling_Nm(&control->monitor));
    const struct bus_codec_torque_command_t m = {
        .granted_torque_nm  = bus_codec_torque_command_granted_torque_nm_encode(torque_Nm(granted_Nm)),
        .air_path_torque_nm = bus_codec_torque_command_air_path_torque_nm_encode(torque_Nm(torque->air_path_Nm)),
        .demand_torque_nm   = bus_codec_torque_command_demand_torque_nm_encode(torque_Nm(torque->demand_Nm)),
        .limit_reason       = torque->reason,
        .limit_runner_up    = torque->runner_up,
        .shift_inhibit      = numeric_flag(flight_mode_is_flying(&control->flight_mode)),
        .engine_cut         = numeric_flag((torque->is_cut != 0U) || monitor_wants_cut(&control->monitor)),
    };

    (void)bus_codec_torque_command_pack(data, &m, FRAME_BYTES);
}

static uint8_t contact_of(const flight_corner_t *corner)
{
    uint8_t contact = BUS_CODEC_FLIGHT_STATUS_CORNER_FL_UNKNOWN_CHOICE;

    if (corner->is_usable != 0U) {
        contact = (corner->is_out != 0U) ? BUS_CODEC_FLIGHT_STATUS_CORNER_FL_UNLOADED_CHOICE
                                         : BUS_CODEC_FLIGHT_STATUS_CORNER_FL_CONTACT_CHOICE;
    }
    return contact;
}

static uint8_t is_missing(const flight_mode_t *flight, uint32_t bit)
{
    return numeric_flag((flight->missing_mask & bit) != 0U);
}

static void put_flight(const control_t *control, uint8_t *data)
{
    const flight_mode_t                   *flight    = &control->flight_mode;
    const bool                             is_in_air = flight->state == (uint8_t)FLIGHT_MODE_AIR;
    const float                            air_ms = (float)(is_in_air ? flight->air_ticks : flight->record.air_time_ms);
    const struct bus_codec_flight_status_t m      = {
        .flight_state     = flight->state,
        .corner_fl        = contact_of(&flight->evidence.corner[0]),
        .corner_fr        = contact_of(&flight->evidence.corner[1]),
        .corner_rl        = contact_of(&flight->evidence.corner[2]),
        .corner_rr        = contact_of(&flight->evidence.corner[3]),
        .air_time_ms      = bus_codec_flight_status_air_time_ms_encode(ready(air_ms, 0.0f, 4094.0f, 1.0f)),
        .confidence_pct   = flight->confidence_pct,
        .inertial_missing = is_missing(flight, FLIGHT_MODE_MISSING_INERTIAL),
        .dampers_missing  = is_missing(flight, FLIGHT_MODE_MISSING_DAMPERS),
        .wheels_missing   = is_missing(flight, FLIGHT_MODE_MISSING_WHEELS),
        .speed_missing    = is_missing(flight, FLIGHT_MODE_MISSING_SPEED),
        .rough_road       = flight->is_rough,
        .flight_count     = (uint8_t)(flight->flight_count & 0xFFU),
        .detector_mode    = flight->detector_mode,
    };

    (void)bus_codec_flight_status_pack(data, &m, FRAME_BYTES);
}

static float duty_pct(float value)
{
    return ready(value, 0.0f, 127.0f, 0.5f);
}

static void put_cooling(const control_t *control, uint8_t *data)
{
    const cooling_t                         *cooling = &control->cooling;
    const fan_t                             *fan     = cooling->fans.fan;
    const struct bus_codec_cooling_command_t m       = {
        .fan1_duty_pct = bus_codec_cooling_command_fan1_duty_pct_encode(duty_pct(fan[0].duty_pct)),
        .fan2_duty_pct = bus_codec_cooling_command_fan2_duty_pct_encode(duty_pct(fan[1].duty_pct)),
        .fan3_duty_pct = bus_codec_cooling_command_fan3_duty_pct_encode(duty_pct(fan[2].duty_pct)),
        .fan4_duty_pct = bus_codec_cooling_command_fan4_duty_pct_encode(duty_pct(fan[3].duty_pct)),
        .pump_duty_pct = bus_codec_cooling_command_pump_duty_pct_encode(duty_pct(cooling->pump_pct)),
        .cooling_state = cooling->state,
        .fan_stage     = cooling->stage,
    };

    (void)bus_codec_cooling_command_pack(data, &m, FRAME_BYTES);
}

static void put_fault(const control_t *control, uint8_t *data)
{
    const struct bus_codec_fault_status_t m = {
        .fault_severity = control->fault.severity,
        .fault_count    = control->fault.count,
        .newest_fault   = control->fault.newest,
        .monitor_state  = control->monitor.state,
        .monitor_cause  = control->monitor.cause,
        .shut_off_test  = control->monitor.test,
        .permissible_torque_nm =
            bus_codec_fault_status_permissible_torque_nm_encode(torque_Nm(control->monitor.permissible_Nm)),
    };

    (void)bus_codec_fault_status_pack(data, &m, FRAME_BYTES);
}

/* A code of 8 bits, or the one that says that nothing is known. */
static uint8_t known(bool is_known, uint8_t code)
{
    return is_known ? code : 255U;
}

/* The same for 12 bits. */
static uint16_t known_12(bool is_known, uint16_t code)
{
    return is_known ? code : 4095U;
}

static void put_intake(const control_t *control, uint8_t *data)
{
    const intake_t                        *intake = &control->intake;
    const struct bus_codec_intake_status_t m      = {
        .filter_loss_k_pa =
            bus_codec_intake_status_filter_loss_k_pa_encode(ready(intake->filter_loss_kPa, 0.0f, 40.93f, 0.01f)),
        .choked_flow_gps =
            bus_codec_intake_status_choked_flow_gps_encode(ready(intake->choked_flow_gps, 0.0f, 409.3f, 0.1f)),
        .air_power_cap_k_w =
            bus_codec_intake_status_air_power_cap_k_w_encode(ready(intake->power_cap_kW, 0.0f, 409.3f, 0.1f)),
        .air_torque_cap_nm = bus_codec_intake_status_air_torque_cap_nm_encode(torque_Nm(intake->torque_cap_Nm)),
        .intake_assumed    = intake->is_assumed,
        .air_leak          = intake->is_leaking,
        .filter_bypassed   = control->filter.is_bypassed,
        .filter_index = known(control->filter.is_known != 0U, bus_codec_intake_status_filter_index_encode(
                                                                  ready(control->filter.index, 0.0f, 12.7f, 0.05f))),
    };

    (void)bus_codec_intake_status_pack(data, &m, FRAME_BYTES);
}

static void put_heat(const control_t *control, uint8_t *data)
{
    const radiator_t                    *radiator  = &control->radiator;
    const filter_t                      *filter    = &control->filter;
    const bool                           has_seen  = radiator->weight_s > 0.0f;
    const bool                           has_slope = radiator->has_last != 0U;
    const bool                           is_known  = filter->is_known != 0U;
    const float                          clean_pct = radiator->clean_ratio * 100.0f;
    const struct bus_codec_heat_status_t m         = {
        .radiator_clean_pct = known(has_seen, bus_codec_heat_status_radiator_clean_pct_encode(duty_pct(clean_pct))),
        .sustained_power_k_w =
            bus_codec_heat_status_sustained_power_k_w_encode(ready(radiator->sustained_kW, 0.0f, 818.6f, 0.2f)),
        .until_half_torque_s = known_12(has_slope, bus_codec_heat_status_until_half_torque_s_encode(
                                                       ready(radiator->until_half_s, 0.0f, RADIATOR_FOREVER_s, 1.0f))),
        .filter_service_l    = known_12(
            is_known, bus_codec_heat_status_filter_service_l_encode(ready(filter->service_L, 0.0f, 4093.0f, 1.0f))),
        .filter_service_h = known_12(
            is_known, bus_codec_heat_status_filter_service_h_encode(ready(filter->service_h, 0.0f, 204.0f, 0.05f))),
        .coolant_peers = control->coolant_peers.verdict,
    };

    (void)bus_codec_heat_status_pack(data, &m, FRAME_BYTES);
}

static void put_identity(uint32_t calibration_hash, uint8_t *data)
{
    const struct bus_codec_identity_t m = {
        .build_id       = BUS_IDENTITY_BUILD & 0xFFFFFFU,
        .calibration_id = calibration_hash & 0xFFFFFFU,
        .layout_hash    = BUS_IDENTITY_LAYOUT & 0xFFFFU,
    };

    (void)bus_codec_identity_pack(data, &m, FRAME_BYTES);
}

/* An unknown tank is not an empty one: what is not known is not available. */
static void put_fuel(const control_t *control, uint8_t *data)
{
    const fuel_t                  *fuel = &control->fuel;
    struct bus_codec_fuel_status_t m    = {
        .fuel_volume_l = bus_codec_fuel_status_fuel_volume_l_encode(ready(fuel->usable_L, 0.0f, 818.6f, 0.2f)),
        .consumption_lp100km =
            bus_codec_fuel_status_consumption_lp100km_encode(ready(fuel->consumption_Lp100km, 0.0f, 409.3f, 0.1f)),
        .range_km      = bus_codec_fuel_status_range_km_encode(ready(fuel->range_km, 0.0f, 2047.0f, 0.5f)),
        .fuel_spread_l = bus_codec_fuel_status_fuel_spread_l_encode(ready(fuel->spread_L, 0.0f, 127.0f, 0.5f)),
        .fuel_source   = fuel->source,
        .fuel_stage    = fuel->stage,
        .collector_low = fuel->is_collector_low,
        .refill_count  = (uint8_t)(fuel->refill_count & 15U),
    };

    if (fuel->is_known == 0U) {
        m.fuel_volume_l = BUS_CODEC_FUEL_STATUS_FUEL_VOLUME_L_NOT_AVAILABLE_CHOICE;
        m.range_km      = BUS_CODEC_FUEL_STATUS_RANGE_KM_NOT_AVAILABLE_CHOICE;
        m.fuel_spread_l = BUS_CODEC_FUEL_STATUS_FUEL_SPREAD_L_NOT_AVAILABLE_CHOICE;
    }
    (void)bus_codec_fuel_status_pack(data, &m, FRAME_BYTES);
}

static uint8_t count_of(const impact_t *impact, impact_kind_t kind, impact_severity_t severity)
{
    const uint16_t count = impact_count(impact, kind, severity);

    return (count < COUNT_MOST) ? (uint8_t)count : COUNT_MOST;
}

static void put_impact(const control_t *control, uint8_t *data)
{
    const impact_t                        *impact = &control->impact;
    const impact_record_t                 *last   = &impact->record;
    const struct bus_codec_impact_status_t m      = {
        .hits_light      = count_of(impact, IMPACT_KIND_HIT, IMPACT_SEVERITY_LIGHT),
        .hits_hard       = count_of(impact, IMPACT_KIND_HIT, IMPACT_SEVERITY_HARD),
        .hits_severe     = count_of(impact, IMPACT_KIND_HIT, IMPACT_SEVERITY_SEVERE),
        .landings_light  = count_of(impact, IMPACT_KIND_LANDING, IMPACT_SEVERITY_LIGHT),
        .landings_hard   = count_of(impact, IMPACT_KIND_LANDING, IMPACT_SEVERITY_HARD),
        .landings_severe = count_of(impact, IMPACT_KIND_LANDING, IMPACT_SEVERITY_SEVERE),
        .last_impact_peak_mps2 =
            bus_codec_impact_status_last_impact_peak_mps2_encode(ready(last->peak_mps2, 0.0f, 508.0f, 2.0f)),
        .last_impact_corners  = (uint8_t)(last->corner_mask & 15U),
        .last_impact_kind     = last->kind,
        .last_impact_severity = last->severity,
    };

    (void)bus_codec_impact_status_pack(data, &m, FRAME_BYTES);
}

/* What the crew reads, once a second. */
static void put_slow(const control_t *control, bus_sent_t message, uint8_t *data)
{
    if (message == BUS_SENT_INTAKE_STATUS) {
        put_intake(control, data);
    } else if (message == BUS_SENT_HEAT_STATUS) {
        put_heat(control, data);
    } else if (message == BUS_SENT_FUEL_STATUS) {
        put_fuel(control, data);
    } else {
        put_impact(control, data);
    }
}

static void put(const control_t *control, uint32_t calibration_hash, bus_sent_t message, uint8_t *data)
{
    if (message == BUS_SENT_TORQUE_COMMAND) {
        put_torque(control, data);
    } else if (message == BUS_SENT_FLIGHT_STATUS) {
        put_flight(control, data);
    } else if (message == BUS_SENT_COOLING_COMMAND) {
        put_cooling(control, data);
    } else if (message == BUS_SENT_FAULT_STATUS) {
        put_fault(control, data);
    } else if (message == BUS_SENT_IDENTITY) {
        put_identity(calibration_hash, data);
    } else {
        put_slow(control, message, data);
    }
}

static void protect(bus_t *bus, bus_sent_t message, can_frame_t *frame)
{
    const uint32_t counter = bus->send_counter[message];

    frame->data[COUNTER_BYTE]  = (uint8_t)(frame->data[COUNTER_BYTE] | (counter << 4));
    frame->data[CRC_BYTE]      = bus_crc(frame->data, CRC_BYTE, frame->id);
    bus->send_counter[message] = (uint8_t)((counter + 1U) & COUNTER_MASK);
}

bool bus_read_torque(const can_frame_t *frame, float *granted_Nm, bool *is_cut)
{
    const bool is_torque = frame->id == BUS_CODEC_TORQUE_COMMAND_FRAME_ID;

    if (is_torque) {
        struct bus_codec_torque_command_t m;

        (void)bus_codec_torque_command_unpack(&m, frame->data, FRAME_BYTES);
        *granted_Nm = bus_codec_torque_command_granted_torque_nm_decode(m.granted_torque_nm);
        *is_cut     = m.engine_cut != 0U;
    }
    return is_torque;
}

bool bus_fetch(bus_t *bus, const control_t *control, uint32_t calibration_hash, can_frame_t *frame)
{
    bool has_frame = false;

    for (uint32_t i = 0U; (i < (uint32_t)BUS_SENT_COUNT) && !has_frame; i++) {
        const uint32_t bit = (uint32_t)1U << i;

        if ((bus->pending_mask & bit) != 0U) {
            *frame            = (can_frame_t){.id = sent[i].id, .length = FRAME_BYTES};
            bus->pending_mask = (uint16_t)(bus->pending_mask & ~bit);
            put(control, calibration_hash, (bus_sent_t)i, frame->data);
            if (sent[i].is_protected != 0U) {
                protect(bus, (bus_sent_t)i, frame);
            }
            has_frame = true;
        }
    }
    return has_frame;
}
