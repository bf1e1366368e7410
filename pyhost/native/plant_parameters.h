/* plant_parameters.h - the numbers of the simulated car as one struct of doubles, from plant_parameters.def. */
#ifndef PLANT_PARAMETERS_H
#define PLANT_PARAMETERS_H

#include <stdint.h>

typedef struct {
#define PLANT(name, unit, low, high, value, meaning, source) double name;
#define PLANT_ARRAY(name, count, unit, low, high, values, meaning, source) double name[count];
#include "plant_parameters.def"
#undef PLANT
#undef PLANT_ARRAY
} plant_parameters_t;

/* One row of the table, for the host. */
typedef struct {
    const char *name;
    const char *unit;
    double      min;
    double      max;
    const char *meaning;
    const char *source;
    uint32_t    offset; /* in doubles, from the start of the struct */
    uint32_t    count;
} plant_row_t;

extern const plant_parameters_t plant_default;
extern const plant_row_t        plant_row[];
extern const uint32_t           plant_rows;

#endif
