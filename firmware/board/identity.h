/* identity.h - git state, compiler and flags of this image. */
#ifndef IDENTITY_H
#define IDENTITY_H

extern const char board_identity[];

#endif
