// Reads a project of PostHog by HogQL, page after page: each page begins behind the last row of the one before, by its
// time and its id, so rows of a shared time are neither lost nor repeated. Events, persons and sessions go on where the
// last run ended, a window before it, less what that run took of the window.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& posthog_extractor();

}  // namespace osiris::worker
