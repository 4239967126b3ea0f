//! The catalogue: one file for each hazard, in the order of their numbers.

use super::hazard::Hazard;

macro_rules! catalogue {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every hazard that the review knows.
        pub static CATALOGUE: &[&Hazard] = &[$(&$module::HAZARD),*];
    };
}

catalogue! {
    drop_table,
    drop_column,
    drop_schema,
    truncate,
    drop_object,
    write_many_rows,
    write_refused_rows,
    rename_column,
    rename_object,
    replace_column,
    rename_enum_value,
    add_required_column,
    add_volatile_default,
    add_constant_default,
    add_serial,
    add_generated_column,
    add_constrained_column,
    add_json,
    set_not_null,
    add_check,
    add_foreign_key,
    add_unique,
    add_primary_key,
    add_exclusion,
    validate_in_one_transaction,
    refuse_old_writes,
    lose_guarantee,
    foreign_key_without_index,
    constrain_domain,
    change_type,
    change_type_for_free,
    narrow_type,
    change_collation,
    create_index,
    create_unique_index,
    drop_index,
    refused_in_transaction,
    invalid_index,
    reindex,
    redundant_index,
    enum_value_used,
    enum_value_new,
    enum_rebuilt,
    lock_timeout,
    lock_held,
    alters_to_merge,
    transaction_control,
    lock_waits,
    storage,
    attach_partition,
    detach_partition,
    silent_behaviour,
    refresh_view,
    access,
    replication,
    beyond_schema,
    already_there,
    opaque,
    disk_room,
    if_exists,
    advice,
}

/// What other programs call a hazard.
#[must_use]
pub fn aka(id: &str) -> &'static [(&'static str, &'static [&'static str])] {
    CATALOGUE.iter().find(|hazard| hazard.id == id).map_or(&[], |hazard| hazard.aka)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hazard_has_a_number_of_its_own_in_order_and_a_safe_way() {
        for pair in CATALOGUE.windows(2) {
            assert!(pair[0].id.len() < pair[1].id.len() || pair[0].id < pair[1].id, "{} {}", pair[0].id, pair[1].id);
        }
        for hazard in CATALOGUE {
            assert!(!hazard.danger.is_empty() && !hazard.safe.is_empty(), "{}", hazard.id);
        }
    }
}
