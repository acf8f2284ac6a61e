"""The rows of :mod:`phusong.result.schema`: a line for each column, a block for each table.

First line of a block: name | file | meaning | marks | key | references (column=table) | columns on the page. Marks: ``always`` (every
result has it), ``strict`` (its required numbers are there and not below zero). Then, for each column: name | kind | unit | rule by which
it leaves the house | meaning. After a name: ``!`` required, ``?`` may be missing, ``-`` may be below zero, ``+`` may be infinite.
"""

__all__ = ["FIGURES", "PROVENANCE", "RASTERS", "SCENARIO_TEXTS", "TABLES"]

TABLES = """
communes | communes.parquet | who is served in each commune, and why the others are not | always | commune_code | |
commune_code! | words | | public | code of the commune (5 digits)
name! | text | | public | name
province_code | text | | public | code of the province
province! | text | | public | province
kind | text | | public | commune, ward or special zone
area_km2 | number | km² | public | area as the authorities state it
area_shape_km2 | number | km² | public | area of the boundary as drawn
remote | class | | public | class of remoteness, 0 the least remote
population! | whole | people | parts | people; the served and the four gaps sum to it
people_served! | whole | people | parts | people with signal, right of use, power and rate
gap_no_signal! | whole | people | parts | people without signal above the threshold
gap_locked! | whole | people | parts | people who hear only networks they may not use
gap_unstable! | whole | people | parts | people whose network is off too many hours
gap_congested! | whole | people | parts | people who get less than the target rate in the busy hour
share_served!? | number | | remade | people served / population (0 to 1)
hours_lost_year!? | number | h | coarse | hours without service in a year, mean over people
facilities | whole | | public | schools, clinics and offices
facilities_served!? | whole | | public | schools, clinics and offices served
rank_remote!? | whole | | public | rank by remoteness, 1 the most remote
people_served_with_plan | number | people | never | people served once the plan is built
ready_share | number | | share | share of people where signal, power and backhaul are there at once
has_signal | number | | share | share of people with signal
has_power | number | | share | share of people behind a site with power
has_backhaul | number | | share | share of people behind a site with backhaul
busy_hours_share | number | | never | share of the busy hours with the target rate
single_homed | flag | | never | whether one failure of a link cuts the commune off the core
cut_point | flag | | never | whether other communes reach the core only through this one
stranded_musd | number | million USD | never | value of assets idle for want of signal, power or backhaul
share_measured | number | | share | share of people whose answer rests on measured layers
record_kind | text | | public | how the record came to be: measured, official, modelled or assumed
withheld | flag | | public | whether the commune has too few people to be shown; only in a redacted result
geometry! | geometry | | public | boundary

sites | sites.parquet | what each site reaches and how it stands | always | site_id | |
site_id! | text | | public | key of the site
owner | text | | public | owner of the structure
structure | text | | public | tower, mast, rooftop, pole or exchange
power_source | text | | public | supply
lock_reason | text | | public | why others may not use it; empty where they may
shareable | flag | | public | whether the owner lets others in
spare_slots | whole | | public | antenna positions free for guests
operators | words | | public | operators that transmit from it
people_heard!? | number | people | derived | people who hear the site
people_served!? | number | people | derived | people whom the site serves
availability!? | number | | derived | share of the year the site works (0 to 1)
hours_lost_year? | number | h | derived | hours a year it does not work
hours_lost_power | number | h | derived | hours a year it has no power itself
hours_lost_upstream | number | h | derived | hours a year a site on its way to the core has no power
hours_lost_backhaul | number | h | derived | hours a year a link on its way to the core is broken
load!? | number | | derived | busy-hour traffic / capacity
bottleneck! | text | | derived | what limits the site
place | text | | public | how exact the place is; only in a redacted result
geometry! | geometry | | place | place of the site

options | options.parquet | investments in the order of people gained for their cost | always | bundle_id | commune_code=communes |
rank! | whole | | remade | rank, 1 the best
bundle_id! | text | | public | key of the bundle
tier | class | | public | step of the ranking it belongs to
kinds! | words | | public | kinds of remedy, separated by ;
remedies! | words | | keys | keys of the remedies, separated by ;
commune_code! | words | | public | commune of the people it serves, the one with most of them first
operators! | words | | public | operators that serve by it, separated by ;
cost_musd! | number | million USD | money | net present cost of what is not paid for by options ranked before
capex_musd! | number | million USD | money | of it, to build
opex_musd_year! | number | million USD a year | money | of it, to run
people_gained! | whole | people | count | people gained after everything ranked before
people_alone! | whole | people | count | people gained if it alone were done
people_per_musd!?+ | number | people per million USD | remade | people gained for a million USD
cumulative_cost_musd! | number | million USD | remade | cost of this and everything before
cumulative_people! | whole | people | remade | people gained by this and everything before
rank_p05!? | number | | derived | rank in the best 5 % of samples
rank_p95!? | number | | derived | rank in the worst 5 % of samples
why! | text | | remade | why it stands where it stands
keep_probability | number | | never | share of samples in which the best plan keeps it
in_cautious_plan | flag | | never | whether the plan for the worst tenth of samples has it
modelled_layers | words | | public | modelled layers it rests on
east_m?- | number | m | derived | easting of the centre of the people it serves
north_m?- | number | m | derived | northing of the centre of the people it serves
works_site_ids | words | | never | sites where its works stand, separated by ;
works_commune_codes | words | | never | communes where its works stand, separated by ;
main_site_id | text | | never | site of its main works
main_commune_code | words | | never | commune of its main works
behind_site_ids | words | | never | sites that work again behind its works
gain_commune_codes | words | | public | communes in which it gains people, the one with most first
people_no_signal | whole | people | never | people gained who had no signal
people_locked | whole | people | never | people gained who were locked out
people_unstable | whole | people | never | people gained whose network was off too long
people_congested | whole | people | never | people gained who had too low a rate
facilities | whole | | never | schools, clinics and offices it reaches
runner_up | text | | never | option that would come next in its place
runner_up_commune | text | | never | commune of the runner-up
runner_up_per_musd?+ | number | people per million USD | never | people for a million USD of the runner-up
lead_share?+ | number | | never | how far it leads the runner-up
falls_at_cost_factor?+ | number | | never | factor of its cost at which it falls behind
falls_behind | text | | never | option it then falls behind
falls_at_people_factor? | number | | never | factor of its people at which it falls behind
level_with | text | | never | option of equal worth, told apart by its key alone
rival | text | | never | option that gains most of the same people
rival_kinds | words | | never | kinds of works of the rival
rival_per_musd?+ | number | people per million USD | never | people for a million USD of the rival
rival_share? | number | | never | share of its people whom the rival gains too
remedies_shared | class | | never | how many of its works options ranked before have paid for
shared_remedies | words | | never | works that options ranked before have paid for
ranked_by | text | | public | people, or people by priority

plan | plan.parquet | what is built, in which year, from which fund | always | remedy_id | bundle_id=options commune_code=communes |
remedy_id! | text | | keys | key of the remedy
kind | text | | public | kind of the remedy
year! | year | | public | year it is built
fund! | text | | public | fund that pays
cost_musd! | number | million USD | money | net present cost
cost_mvnd | number | million VND | never | the same in VND
capex_musd | number | million USD | money | of it, to build
opex_musd_year | number | million USD a year | money | of it, to run
people_gained! | whole | people | count | people gained by it and the works it completes
bundle_id | text | | public | option it belongs to
site_id | text | | never | site where it stands
commune_code | words | | never | commune where it stands
gain_commune_codes | words | | public | communes of the people who gain, the one with most first
level | text | | public | operator, province or state
sector | text | | public | telecom, power, transport or sharing
accountable | text | | public | who carries it out
serves_from | year | | public | year from which it serves

settlements | tables/settlements.parquet | test points of settlements with their signal | | settlement_id | commune_code=communes |
settlement_id | text | | never | key of the settlement
name | text | | never | name
kind | text | | never | centre or cluster
commune_code | words | | never | commune it lies in
population | number | people | never | people
modelled | flag | | never | whether its place is modelled
on_grid | flag | | never | whether it has mains
signal_share | number | | never | share of its ground with signal
white | flag | | never | whether it has no signal at all
hollow | flag | | never | whether it is partly covered
geometry | geometry | | never | place
record_kind | text | | never | how the record came to be

policies | tables/policies.parquet | sharing policies compared | | policy | |
policy! | text | | public | sharing policy
people_served! | number | people | parts | people served under it
gap_no_signal! | number | people | parts | people without signal
gap_locked! | number | people | parts | people locked out
gap_unstable! | number | people | parts | people whose network is off too long
gap_congested! | number | people | parts | people with too low a rate
people_served_with_plan | number | people | count | people served once its plan is built
plan_people_gained | number | people | count | people its plan gains
people_gained_with_plan- | number | people | count | people gained with its plan over policy none without one
people_gained- | number | people | remade | people gained over policy none
plan_cost_musd | number | million USD | coarse | cost of its plan
plan_operator_musd | number | million USD | coarse | of it, for one operator
policy_cost_musd | number | million USD | coarse | cost of opening the sites
saved_musd_year- | number | million USD a year | coarse | saved by radios no longer needed
new_site_operator_musd | number | million USD | coarse | what one operator pays for a new site
sites_opened | whole | | public | sites opened to others
radios_released | whole | | public | radios no longer needed
guests | whole | people | count | people served through others' networks
people_per_musd | number | people per million USD | never | people gained for a million USD
plan_people_per_musd | number | people per million USD | never | people its plan gains for a million USD
people_per_musd_with_plan | number | people per million USD | never | people gained with its plan for a million USD

curve | tables/curve.parquet | people against money, and the bound nobody can pass | | | |
cost_musd!? | number | million USD | remade | money spent in the order of the ranking
people!? | number | people | remade | people gained for it
budget_musd? | number | million USD | coarse | a budget tried
bound_people? | number | people | count | most people anybody could gain for it
plan_people? | number | people | count | people the best plan known gains for it

layers | tables/layers.parquet | kind and source of each layer | | layer | |
layer | text | | public | layer
kind | text | | public | measured, official, modelled or assumed
source | text | | public | who made it
licence | text | | public | licence
as_of | text | | public | date it describes
notes | text | | never | notes of whoever delivered it
share? | number | | coarse | share of a raster's pixels that are of its kind; the others were filled in
records_measured? | whole | records | count | records of a table that are measured
records_official? | whole | records | count | records that are official
records_modelled? | whole | records | count | records that are modelled
records_assumed? | whole | records | count | records that are assumed

calibration | tables/calibration.parquet | model beside published facts | | | |
what | text | | public | figure
fact | number | | public | as published
model | number | | coarse | as modelled
unit | text | | public | unit of both
source | text | | public | who published it
note | text | | public | what to mind

repairs | tables/repairs.parquet | what was mended in the input | | | |
layer | text | | never | layer
key | class | | never | key of the row
name | text | | never | name of the row
column | text | | never | column
old_value | class | | never | as it came
new_value | class | | never | as it was used
reason | text | | never | why

causes | tables/causes.parquet | assets by the person-hours a year that their failures take | | | |
kind | text | | never | kind of asset
asset | text | | never | key of the asset
person_hours_year | number | h | never | person-hours a year
share | number | | never | share of all
cumulative_share | number | | never | share of all by this and everything before

cuts | tables/cuts.parquet | sites and links whose loss isolates others | | | |
kind | text | | never | site or link
id | text | | never | its key
sites_isolated | whole | | never | sites cut off
people_isolated | whole | people | never | people cut off

hops | tables/hops.parquet | microwave hops over the terrain and in the rain | | link_id | |
link_id | text | | never | key of the link
from_id | text | | never | its far end
to_id | text | | never | its near end
length_km | number | km | never | length
frequency_ghz | number | GHz | never | frequency
fade_margin_db- | number | dB | never | fade margin
clearance_share- | number | | never | least clearance in radii of the first Fresnel zone
worst_km | number | km | never | where it is least
line_of_sight | flag | | never | whether the ends see each other
zone_free | flag | | never | whether 0.6 of the first Fresnel zone is free
rain_mm_h | number | mm/h | never | rain rate exceeded 0.01 % of the time
rain_unavailability | number | | never | share of the year it fails in rain
availability | number | | never | share of the year it works

locked_assets | tables/locked_assets.parquet | sites that reach people who may not use them, with every remedy costed | | site_id | site_id=sites commune_code=communes |
site_id! | text | | never | key of the site
owner! | text | | never | owner
lock_reason! | text | | never | why others may not use it
commune_code | words | | never | commune it stands in
remote | class | | never | class of remoteness
stable! | flag | | never | whether it works long enough
people_behind! | number | people | never | people of operators that may not use it
people_locked_out! | number | people | never | of them, people without another network
people_only_here! | number | people | never | people who hear nothing else
room_people! | number | people | never | people it could take on
behind_* | number | people | never | people behind it, of one operator
stabilise_musd! | number | million USD | never | cost of making it stable
cost_*_musd | number | million USD | never | cost of one remedy
people_* | number | people | never | people gained by one remedy
best_remedy! | text | | never | remedy with most people for its cost
best_people | number | people | never | people it gains
best_cost_musd | number | million USD | never | its cost
people_per_musd!+ | number | people per million USD | never | people it gains for a million USD
remedies! | words | | never | all remedies in words

locks | tables/locks.parquet | locked sites counted by reason | | lock_reason | |
lock_reason! | text | | never | reason
sites! | whole | | never | sites
people_behind! | number | people | never | people behind them
people_locked_out! | number | people | never | of them, people without another network

readiness | tables/readiness.parquet | where signal, power and backhaul are there at once, and how each commune hangs on the core | | commune_code | commune_code=communes |
commune_code! | words | | never | commune
population | number | people | never | people
ready_people | number | people | never | people with all three
ready_share! | number | | never | their share
has_signal! | number | | never | share with signal
has_power! | number | | never | share with power
has_backhaul! | number | | never | share with backhaul
mean_of_three | number | | never | mean of the three
busy_hours_share | number | | never | share of the busy hours with the target rate
links_out | whole | | never | links to other communes
neighbours | whole | | never | communes they lead to
reaches_core! | flag | | never | whether the core is reached
single_homed! | flag | | never | whether one failure cuts it off
cut_point! | flag | | never | whether others hang on it
communes_behind! | whole | | never | communes that hang on it
people_behind! | number | people | never | people that hang on it
stranded_assets! | whole | | never | idle assets
stranded_musd! | number | million USD | never | their value
isolated_builds | whole | | never | sites beside another owner's structure

stranded | tables/stranded.parquet | assets idle for want of signal, power or backhaul | | | commune_code=communes |
asset_id | text | | never | key of the asset
kind | text | | never | site or link
missing | text | | never | what it wants
grade | text | | never | absent or below target
people_waiting | number | people | never | people who wait for it
value_musd | number | million USD | never | its value
commune_code | words | | never | commune it stands in

isolated_builds | tables/isolated_builds.parquet | sites beside another owner's structure that could carry them | | | site_id=sites |
site_id! | text | | never | key of the site
owner | text | | never | its owner
operators | words | | never | operators on it
twin_id! | text | | never | the other structure
twin_owner! | text | | never | its owner
distance_m! | number | m | never | between them
twin_spare_slots! | whole | | never | free positions there
remote | class | | never | class of remoteness
commune_code | words | | never | commune
saved_musd_year | number | million USD a year | never | what moving over would save

policy_communes | tables/policy_communes.parquet | people served in each commune under each sharing policy | | policy commune_code | commune_code=communes |
policy! | text | | never | sharing policy
commune_code! | words | | never | commune
people_served! | number | people | never | people served

remedies | tables/remedies.parquet | everything that could be bought | strict | remedy_id | |
remedy_id! | text | | never | key of the remedy
kind! | text | | never | kind
capex_musd | number | million USD | never | cost to build
opex_musd_year | number | million USD a year | never | cost to run
cost_musd! | number | million USD | never | net present cost
east_m?- | number | m | never | easting of where it stands
north_m?- | number | m | never | northing of where it stands
site_id | text | | never | site where it stands
to_id | text | | never | site or power node that it leads to
commune_code | words | | never | commune where it stands

bundles | tables/bundles.parquet | remedies that serve people only together | strict | bundle_id | |
bundle_id! | text | | never | key of the bundle
kinds! | words | | never | kinds of remedy
operators | words | | never | operators that serve by it
commune_code! | words | | never | commune of the people it serves
east_m?- | number | m | never | easting of the centre of its people
north_m?- | number | m | never | northing of the centre of its people
remedies! | words | | never | keys of its remedies
cost_musd! | number | million USD | never | net present cost
people_alone! | number | people | never | people gained by it alone
works_site_ids! | words | | never | sites where its works stand
works_commune_codes | words | | never | communes where its works stand
main_site_id | text | | never | site of its main works
main_commune_code | words | | never | commune of its main works
behind_site_ids | words | | never | sites that work again behind its works

people_groups | tables/people_groups.parquet | people who are served by the same bundles | strict | | commune_code=communes |
commune_code! | words | | never | commune
people! | number | people | never | people

bundle_groups | tables/bundle_groups.parquet | which bundle serves which group of people | strict | bundle group | |
bundle! | whole | | never | number of the bundle, from 0
group! | whole | | never | number of the group, from 0

robustness | tables/robustness.parquet | plans over samples of costs, people, signal and outages | | plan | | plan cost_musd people people_mean people_p05 people_p95 people_worst_tenth within_budget_share regret_mean
plan | class | | never | plan
cost_musd | number | million USD | never | its cost
people | number | people | never | people it gains as modelled
people_mean | number | people | never | mean over the samples
people_p05 | number | people | never | exceeded in 95 % of samples
people_p95 | number | people | never | exceeded in 5 % of samples
people_worst_tenth | number | people | never | mean of the worst tenth
within_budget_share | number | | never | share of samples within the budget
regret_mean | number | people | never | people lost against the best plan of each sample, mean
regret_p95 | number | people | never | the same, exceeded in 5 % of samples
same_money_share | number | | never | share of samples in which the money suffices
best_in_worst | flag | | never | whether it is the best plan in the worst tenth

tornado | tables/tornado.parquet | the plan's people and cost with one input low or high | | input | | input unit low base high people_low people_base people_high swing_people
input | text | | never | input
unit | text | | never | its unit
low | number | | never | low value
base | number | | never | value of the scenario
high | number | | never | high value
people_low | number | people | never | people with the low value
people_base | number | people | never | people as modelled
people_high | number | people | never | people with the high value
cost_low_musd | number | million USD | never | cost with the low value
cost_base_musd | number | million USD | never | cost as modelled
cost_high_musd | number | million USD | never | cost with the high value
swing_people | number | people | never | between low and high

schedule | tables/schedule.parquet | who does what, when, paid by whom, with which result | | line | remedy_id=plan | year what accountable fund commune cost_musd people_gained gains serves_from waits_for
line | whole | | never | number of the line
year | number | | never | year
accountable | text | | never | who carries it out
what | text | | never | what is done
remedy_id | text | | never | key of the remedy
fund | text | | never | fund that pays
level | text | | never | operator, province or state
sector | text | | never | telecom, power, transport or sharing
cost_musd | number | million USD | never | cost
money | text | | never | planned, allocated or disbursed
kind | text | | never | kind of remedy
site_id | text | | never | site where it stands
commune_code | words | | never | commune where it stands
commune | text | | never | its name
gain_commune_codes | words | | never | communes of the people who gain, the one with most first
gains | text | | never | who gains, in words: on the page only
people_gained | number | people | never | people gained
serves_from | number | | never | year from which it serves
waits_for | text | | never | what has to be there first
blocked_musd | number | million USD | never | money that cannot be spent
blocked_years | number | | never | for how many years
result | text | | never | its result in words

funds | tables/funds.parquet | money by fund and year | | fund year | | fund year planned_musd available_musd spent_musd left_musd blocked_musd
fund | text | | never | fund
level | text | | never | operator, province or state
year | number | | never | year
planned_musd | number | million USD | never | planned
allocated_musd? | number | million USD | never | allocated
disbursed_musd? | number | million USD | never | disbursed
available_musd | number | million USD | never | there to be spent
spent_musd | number | million USD | never | spent
left_musd- | number | million USD | never | left
blocked_musd | number | million USD | never | that cannot be spent
cumulative_spent_musd | number | million USD | never | spent up to that year
lines | whole | | never | lines of the plan
*_musd | number | million USD | never | spent in one sector

milestones | tables/milestones.parquet | people served by year and commune against their targets | | commune_code year | commune_code=communes | year commune people people_served share_served target_share spent_musd met
year | number | | never | year
commune_code | words | | never | commune; empty for all
commune | text | | never | its name
people | number | people | never | people
people_served | number | people | never | people served
share_served? | number | | never | their share
spent_musd | number | million USD | never | spent up to that year
target_share? | number | | never | target
target_people? | number | people | never | target in people
reachable_share? | number | | never | most that the remedies could serve
short_people | number | people | never | people short of the target
met | flag | | never | whether the target is met
communes_met | whole | | never | communes that meet it
reason | text | | never | why not, as a code
beyond_people | number | people | never | people whom no remedy of the list reaches
left_no_signal | number | people | never | people left without signal
left_locked | number | people | never | people left locked out
left_unstable | number | people | never | people left whose network is off too long
left_congested | number | people | never | people left with too low a rate

late | tables/late.parquet | what is late if a fund is | | late_fund remedy_id | remedy_id=plan |
late_fund | text | | never | fund that is late
remedy_id | text | | never | key of the remedy
fund | text | | never | fund that pays it
commune_code | words | | never | commune
year | number | | never | year as planned
year_if_late | number | | never | year if the fund is late
serves_from | number | | never | serves from, as planned
serves_if_late | number | | never | serves from, if the fund is late
waits | flag | | never | whether it waits for another remedy
cost_musd | number | million USD | never | cost
people_gained | number | people | never | people gained
people_years_lost | number | | never | people times years lost

interim | tables/interim.parquet | remedies that bridge the time until the plan is built | | | |
remedy_id | text | | never | key of the remedy
kind | text | | never | kind
follows | text | | never | remedy of the plan that follows it
from_year | number | | never | first year
until_year | number | | never | last year
cost_musd | number | million USD | never | cost
people | number | people | never | people served
people_years | number | | never | people times years
people_years_per_musd+ | number | | never | the same for a million USD
commune_code | words | | never | commune

alternatives | tables/alternatives.parquet | further plans that spend the money otherwise | | plan | |
plan | class | | never | number of the plan
people_gained | number | people | never | people gained
cost_musd | number | million USD | never | cost
bound | number | people | never | bound
gap | number | | never | distance from it
method | class | | never | how it was found
differs | class | | never | share of its money spent otherwise
meets | class | | never | whether it meets floors and targets
remedies | words | | never | its remedies

option_communes | tables/option_communes.parquet | people that each option gains, by commune | | bundle_id commune_code | bundle_id=options commune_code=communes |
bundle_id! | text | | never | key of the option
commune_code! | words | | never | commune
people_gained! | number | people | never | people it gains there

plan_communes | tables/plan_communes.parquet | people that the plan gains, by commune and year | | commune_code year | commune_code=communes |
commune_code! | words | | never | commune
year! | number | | never | year
people_gained! | number | people | never | people gained there in that year

plan_line_communes | tables/plan_line_communes.parquet | people that each line of the plan gains, by commune | | remedy_id commune_code year | remedy_id=plan commune_code=communes |
remedy_id! | text | | never | key of the remedy
commune_code! | words | | never | commune
year! | number | | never | year from which they are served
people_gained! | number | people | never | people gained there
"""

RASTERS = """
access_class | whole | | remade | what most people or the ground of a pixel have: 0 no data, 1 no signal, 2 locked, 3 unstable, 4 congested, 5 served, 6 and 7 land without people inside and outside coverage; of a redacted result what most people of the commune have
rsrp_dbm?- | number | dBm | never | RSRP of the best server; missing where nothing was computed
"""

FIGURES = """
title | text | | public | title
title_vi | text | | public | title in Vietnamese, where the scenario sets one
region | text | | public | name of the region
policy | text | | public | sharing policy in force
people | whole | people | remade | people
people_served | whole | people | remade | people served
gap_no_signal | whole | people | remade | people without signal
gap_locked | whole | people | remade | people locked out
gap_unstable | whole | people | remade | people whose network is off too long
gap_congested | whole | people | remade | people with too low a rate
share_served | number | | remade | share of people served
share_measured | number | | remade | share of people whose answer rests on measured layers
hours_lost_year_mean | number | h | remade | hours without service in a year, mean over people
policies | table | | remade | the table of policies
provinces | table | | remade | people and gap parts of each province
calibration | table | | remade | the table of calibration
provenance_digest | text | | remade | digest of provenance.json
units.* | text | | public | unit of a figure
currency.vnd_per_usd | number | VND | public | rate
currency.* | number | | never | further rates
plan.budget_musd | number | million USD | public | money there is
plan.cost_musd | number | million USD | remade | cost of the plan
plan.people_gained | number | people | remade | people the plan gains
plan.bound_people | number | people | remade | most people anybody could gain for the money
plan.distance_share | number | | remade | how far the plan is from that bound
plan.expected_people | number | people | count | people to expect, mean over the samples
plan.people_p05 | number | people | count | exceeded in 95 % of samples
plan.people_p95 | number | people | count | exceeded in 5 % of samples
plan.within_budget_share | number | | coarse | share of samples within the budget
plan.status | text | | public | optimal, bounded or stopped
plan.method | text | | public | how the plan was found
plan.cost_to_close_musd | number | million USD | remade | cost of all options
plan.people_closable | number | people | remade | people all options gain
plan.sharing_remedies | whole | | never | remedies of the plan that open something to others
plan.statements | text | | never | what is to be said of floors, targets and money
plan.certificate | table | | never | certificate of what was asked for
locked_assets | table | | never | locked sites by reason
readiness | table | | never | readiness of all communes together
outcome_digest | text | | remade | digest of what the result says
redaction.* | text | | public | by which rules the result was redacted
"""

PROVENANCE = """
seed | whole | | public | seed of everything drawn at random
scenario_sha256 | text | | remade | digest of scenario.toml
inputs_sha256 | text | | never | digest of each layer; with all else known, it would prove a guessed place
inputs | text | | never | names of the layers
program_sha256 | text | | public | digest of the program's text and its shipped tables
outcome | text | | remade | digests of what the result says, of each table and of all; in a redacted result of what is shown
python | text | | public | version of Python
packages | text | | public | versions of packages
digest | text | | remade | digest of the whole provenance
redaction | text | | public | by which rules the result was redacted
"""

SCENARIO_TEXTS = """
title region.provinces radio.model radio.service radio.place radio.polarization radio.interference service.availability service.hops
sharing.policy sharing.compare invest.only invest.money invest.objective report.lang report.redact_structures
"""
