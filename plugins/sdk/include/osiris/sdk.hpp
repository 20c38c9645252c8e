// osiris/sdk.hpp: osiris-adapter-sdk, a static library for adapters in C++17 that run osiris's worker. Like
// <osiris/adapter.hpp> it is a convenience and NOT part of the ABI; its version is its own (osiris/sdk/version.h).
#pragma once

#include <osiris/sdk/version.h>
#include <osiris/sdk/channel.hpp>
#include <osiris/sdk/delivery.hpp>
#include <osiris/sdk/egress.hpp>
#include <osiris/sdk/files.hpp>
#include <osiris/sdk/json.hpp>
#include <osiris/sdk/ledger.hpp>
#include <osiris/sdk/options.hpp>
#include <osiris/sdk/place.hpp>
#include <osiris/sdk/process.hpp>
#include <osiris/sdk/remote_adapter.hpp>
#include <osiris/sdk/service.hpp>
#include <osiris/sdk/worker_run.hpp>
