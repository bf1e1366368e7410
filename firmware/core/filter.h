/* filter.h - how full of sand the air filter is, and how long it will do.
 *
 * The loss of a filter grows with flow and with dust. What dust does is told apart from what flow does by the clean
 * curve: index = measured loss / loss of a clean filter at the same flow, 1 when clean. Only steady, large flows count
 * (the loss at part load is smaller than the sensor's errors), averaged over a minute of them, so that a gear change or
 * a jump moves nothing. A filter that opens by itself within seconds has been passed by: sand goes into the engine.
 *
 * Growth is learned from the index over the air breathed, so that the answer to "how long" is in kilogrammes of air, and
 * from that in litres of fuel and hours at the present mean.
 */
#ifndef FILTER_H
#define FILTER_H

#include "calibration.h"
#include "inputs.h"

/* What survives power-off. */
typedef struct {
    float index;
    float growth_per_kg;
    float mean_gps;
} filter_keep_t;
_Static_assert(sizeof(filter_keep_t) == 12U, "filter_keep_t: hidden padding");

typedef struct {
    float    index;          /* loss over that of a clean filter */
    float    quick_index;    /* the same within seconds: for an opened duct */
    float    weight_s;       /* of steady flow behind the index, up to average_s */
    float    steady_gps;     /* flow that counts as steady as long as the samples stay near it */
    float    mean_gps;       /* flow of a running engine over many minutes */
    float    air_kg;         /* breathed since growth was last learned */
    float    mark_index;     /* index then */
    float    growth_per_kg;  /* of the index, for a kilogramme of air */
    float    last_index;     /* of the last sample at a large flow, settled or not */
    float    service_L;      /* fuel that may be burnt until service */
    float    service_h;      /* hours until service at the mean flow */
    uint16_t settled_ticks;  /* flow has been steady and large for this long */
    uint16_t since_ticks;    /* since the last sample */
    uint8_t  is_known;       /* the index rests on a measurement of this drive */
    uint8_t  is_bypassed;    /* the loss fell as no sand falls out of a filter */
    uint8_t  is_lost;        /* flow or loss is not measured now */
    uint8_t  reserved;
} filter_t;
_Static_assert(sizeof(filter_t) == 52U, "filter_t: hidden padding");

void filter_init(filter_t *filter, const vcu_calibration_t *cal);

/* What to remember over power-off, and to go on from it: what is foreseen until something is measured. The first
 * measurement of a drive counts alone: the crew may have changed the filter, and then nothing is bypassed. */
void filter_keep(const filter_t *filter, filter_keep_t *keep);
void filter_recall(filter_t *filter, const vcu_calibration_t *cal, const filter_keep_t *keep);

/* One period of the raster. */
void filter_tick(filter_t *filter, const vcu_calibration_t *cal, const inputs_t *inputs);

/* Loss of this filter at a flow, in kPa; 0 while nothing is known. A sensor that was lost before its last sample could be
 * learned leaves the worse of both, so that losing it gives nothing. */
float filter_loss_kPa(const filter_t *filter, const vcu_calibration_t *cal, float flow_gps);

#endif
