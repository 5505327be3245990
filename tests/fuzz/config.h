/*
 * config.h - putting the network's configuration back.
 */
#pragma once

void config_keep(void);    /* once, before the first input */
void config_restore(void); /* all devices but lo are gone then; what lo was is again */
