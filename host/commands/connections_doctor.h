// osiris connections doctor: asks an adapter whether each connection can be used from where it runs pipelines.
#pragma once

#include <CLI/CLI.hpp>

#include "host/commands/commands.h"

namespace osiris {

void add_doctor_command(const CommandTable& table, CLI::App& parent);

}  // namespace osiris
