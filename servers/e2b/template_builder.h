// Carries out one template build: the steps run in a sandbox whose files become the template's layer.
#pragma once

#include <string>

#include "protocol/base/json.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {

// The body of POST /v2/templates/{id}/builds/{bid}: what is wrong with it, before anything runs.
std::optional<ApiError> check_build(const Json& body);

// Blocks until the build is ready or has failed; both are recorded in the template store.
void run_build(Server& server, const std::string& template_id, const std::string& build_id, const Json& body);

// Where the tar of a COPY is.
std::filesystem::path upload_path(const Server& server, const std::string& hash);
bool is_upload_hash(std::string_view text);

}  // namespace osiris::e2b_server
