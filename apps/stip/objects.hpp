#pragma once

#include <optional>
#include <string>

#include "actors/client.hpp"
#include "apps/stip/output.hpp"

// What stip prints, as JSON objects: members and their order are a contract with users' scripts.
// Tables and CSV are columns of these objects.

namespace stip::cli {

json node_object(const node_status& node);
json album_object(const album& a);
json album_object(const album_status& status);
json task_object(const task_record& task, int64_t now_ms);
json image_object(const std::string& album, const image_row& image);
json extent_object(const extent_row& extent);
json placement_object(const placement& place);
json scene_object(const scene_description& scene);
/// How the image's clouds were found, and their shares; null while nothing is known of them.
json clouds_object(const stored_image& image);

const std::vector<column>& node_columns();
const std::vector<column>& album_columns();
const std::vector<column>& task_columns();
const std::vector<column>& image_columns();
const std::vector<column>& extent_columns();

/// The time of this machine's clock, as tasks have it.
int64_t now_ms();

}  // namespace stip::cli
