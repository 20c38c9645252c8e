/* osiris/sdk/version.h: the version of osiris-adapter-sdk, which is apart from the ABI's: it is linked into an adapter,
 * so an adapter goes on working with the one it was built with. 0.x: a new x may change the API. */
#ifndef OSIRIS_SDK_VERSION_H
#define OSIRIS_SDK_VERSION_H

#define OSIRIS_SDK_VERSION "0.2.0"

#endif
