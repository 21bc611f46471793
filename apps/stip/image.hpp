#pragma once

#include "apps/stip/command.hpp"

// The verbs of `stip image`, one file each family.

namespace stip::cli {

verb image_store_verb();
verb image_list_verb();
verb image_search_verb();
verb image_show_verb();
verb image_export_verb();
verb image_probe_verb();
verb image_delete_verb();
verb image_split_verb();
verb image_merge_verb();
verb image_fill_verb();
verb image_coalesce_verb();
verb image_align_verb();
verb image_cloud_verb();
verb image_mosaic_verb();
verb image_index_verb();
verb image_filter_verb();

/// What a user says of inputs that do not say it themselves: --platform, --timestamp, --tile,
/// --subdataset.
std::vector<option> scene_option_table();

}  // namespace stip::cli
