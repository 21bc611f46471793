#pragma once

#include <string>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// GDAL's name of an input that is named as its object store does: s3://BUCKET/KEY, gs://, az://,
/// http:// and https:// are /vsis3/BUCKET/KEY, /vsigs/, /vsiaz/ and /vsicurl/http... Other names
/// stay as they are. Error: unsupported (another scheme).
result<std::string> input_name(const std::string& name);

/// The inputs that a glob names, sorted: a path with * ? [] ~, or a /vsi name (see input_name)
/// whose last part may have * ? []. Directories are inputs too; their format decides. Blocks.
/// Errors: not_found when nothing matches, unsupported (its scheme), limit_exceeded beyond
/// defaults::max_inputs.
result<std::vector<std::string>> resolve_inputs(const std::string& glob);

/// May the node read this input? It must lie under one of the roots after symbolic links are
/// resolved; a root that begins with /vsi admits the names that begin with it.
/// Error: forbidden.
result<void> check_input(const std::string& input, const std::vector<std::string>& roots);

}  // namespace stip
