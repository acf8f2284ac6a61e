"""What the comparison page says, in English and Vietnamese."""

from collections.abc import Mapping

__all__ = ["FIGURES", "LANGUAGES", "words"]

LANGUAGES = ("en", "vi")
"""Languages of the page."""

FIGURES: Mapping[str, tuple[str, str, str]] = {
    "policy": ("", "Sharing policy", "Chính sách dùng chung"),
    "people": ("people", "People", "Dân số"),
    "served": ("people", "People served today", "Người được phục vụ hiện nay"),
    "share_served": ("percent", "… of all", "… trên tổng số"),
    "no_signal": ("people", "Not served: no signal", "Chưa phục vụ: không có sóng"),
    "locked": ("people", "Not served: locked", "Chưa phục vụ: bị khóa"),
    "unstable": ("people", "Not served: unstable", "Chưa phục vụ: không ổn định"),
    "congested": ("people", "Not served: congested", "Chưa phục vụ: nghẽn"),
    "hours": ("hours", "Hours without service a year, mean", "Số giờ mất dịch vụ mỗi năm, trung bình"),
    "budget": ("musd", "Budget, million USD", "Ngân sách, triệu USD"),
    "plan_cost": ("musd", "Plan costs, million USD", "Chi phí phương án, triệu USD"),
    "gained": ("people", "Plan adds people", "Phương án phục vụ thêm"),
    "served_with_plan": ("people", "People served with the plan", "Người được phục vụ khi có phương án"),
    "share_with_plan": ("percent", "… of all with the plan", "… trên tổng số khi có phương án"),
    "cost_a_person": ("usd", "USD per person added", "USD cho mỗi người thêm"),
    "bound": ("people", "No plan of that money adds more than", "Không phương án nào cùng số tiền thêm quá"),
    "bound_regret": ("people", "Regret against that bound, people", "Thua cận trên đó, số người"),
    "set_regret": (
        "people",
        "Regret against the best here, people",
        "Thua phương án tốt nhất ở đây, số người",
    ),
}
"""Unit, English and Vietnamese name of each headline figure."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Comparison", "So sánh"),
    "modelled": (
        "Modelled, not measured. The report of each result names its sources.",
        "Kết quả mô hình, không phải đo đạc. Báo cáo của từng kết quả nêu nguồn dữ liệu.",
    ),
    "verdict": ("Which plan, why, and what would change it", "Phương án nào, vì sao, và điều gì làm thay đổi"),
    "leads": (
        "{leader} serves the most people once its plan is built: {people} ({share}).",
        "{leader} phục vụ nhiều người nhất khi thực hiện phương án: {people} ({share}).",
    ),
    "lead": (
        "That is {people} more than {other}, at {cost} million USD against {other_cost}.",
        "Nhiều hơn {other} {people} người, với {cost} triệu USD so với {other_cost}.",
    ),
    "same": ("{other} serves as many, at {other_cost} million USD against {cost}.",
             "{other} phục vụ bằng số đó, với {other_cost} triệu USD so với {cost}."),
    "today_part": (
        "{people} of that lead are there before any money is spent: the scenarios assume a different today.",
        "{people} trong số đó có từ trước khi chi tiền: các kịch bản giả định hiện trạng khác nhau.",
    ),
    "sure": (
        "Over {n} samples of costs and people it beats {other} in {share}.",
        "Trong {n} mẫu chi phí và dân số, nó hơn {other} ở {share}.",
    ),
    "lose": (
        "With it, {lose} of {n} communes have at least one person fewer served than with {other}; {gain} have more.",
        "Với nó, {lose} trên {n} xã, phường có ít người được phục vụ hơn so với {other}; {gain} nhiều hơn.",
    ),
    "careful": (
        ("If it is not sure which scenario will hold, {name} is the careful plan: in the wrong one it serves at most {people} "
        "people fewer than the best plan there (others: {others})."),
        ("Nếu chưa chắc kịch bản nào sẽ đúng, {name} là phương án thận trọng: trong kịch bản sai, nó phục vụ ít hơn phương án "
        "tốt nhất nhiều nhất {people} người (phương án khác: {others})."),
    ),
    "change": ("What would change the order", "Điều gì làm đổi thứ tự"),
    "no_change": (
        "No kind of remedy alone, up to ten times dearer, changes which plan leads.",
        "Không loại biện pháp nào, dù đắt gấp mười lần, làm đổi phương án dẫn đầu.",
    ),
    "change_head": ("If|then leads", "Nếu|thì dẫn đầu"),
    "assumed": (
        "The plans stand on different assumptions (below): the order holds only where each set of assumptions does.",
        "Các phương án dựa trên giả định khác nhau (bên dưới): thứ tự chỉ đúng khi từng bộ giả định đúng.",
    ),
    "headline": ("Headline figures", "Số liệu chính"),
    "headline_note": ("One column a result. Money is net present.", "Mỗi cột một kết quả. Tiền là giá trị hiện tại ròng."),
    "figure": ("figure", "chỉ tiêu"),
    "maps": ("Maps on one scale", "Bản đồ cùng thang"),
    "map_left": ("People not served once the plan is built, percent of a commune's people",
                 "Người chưa được phục vụ khi thực hiện phương án, phần trăm dân số xã, phường"),
    "map_change": ("Difference: share served with the plan minus that of {base}, percentage points",
                   "Chênh lệch: tỷ lệ được phục vụ với phương án trừ tỷ lệ của {base}, điểm phần trăm"),
    "communes": ("Who gains, who loses", "Ai được, ai mất"),
    "communes_note": (
        ("People served once the plan is built, and the change against {base}; the largest changes first. {moved} of {n} "
        "communes change. Type to find a commune, with or without diacritics."),
        ("Số người được phục vụ khi thực hiện phương án và thay đổi so với {base}; thay đổi lớn trước. {moved} trên {n} "
        "xã, phường thay đổi. Gõ tên để tìm, có dấu hoặc không dấu."),
    ),
    "gain_lose": ("{name}: {gain} communes gain {up} people, {lose} lose {down}.",
                  "{name}: {gain} xã, phường được thêm {up} người, {lose} mất {down}."),
    "find": ("Find a commune", "Tìm xã, phường"),
    "commune": ("commune", "xã, phường"),
    "province": ("province", "tỉnh"),
    "people": ("people", "dân số"),
    "with_plan": ("with {name}", "với {name}"),
    "change_of": ("change, {name}", "thay đổi, {name}"),
    "costs": ("Cost by fund and year, million USD", "Chi phí theo nguồn và năm, triệu USD"),
    "costs_note": ("Net present cost of what each plan buys.", "Giá trị hiện tại ròng của những gì mỗi phương án mua."),
    "fund": ("fund", "nguồn"),
    "year": ("year", "năm"),
    "regret": ("Regret: the right plan in the wrong world", "Hối tiếc: phương án đúng trong hoàn cảnh khác"),
    "regret_note": (
        ("If the world is as one scenario assumes and another's plan is built: people fewer than with the best of the "
        "plans there. The plan with the smallest largest regret is the careful choice."),
        ("Nếu thực tế đúng như một kịch bản mà lại thực hiện phương án của kịch bản khác: số người ít hơn so với phương "
        "án tốt nhất ở đó. Phương án có hối tiếc lớn nhất nhỏ nhất là lựa chọn thận trọng."),
    ),
    "plan": ("plan", "phương án"),
    "if_world": ("if {name} holds", "nếu {name} đúng"),
    "most": ("largest", "lớn nhất"),
    "left_out": ("remedies unknown there", "biện pháp không có ở đó"),
    "no_regret": (
        "These results do not hold what there is to buy (older or redacted ones): run the scenarios again for this table.",
        "Các kết quả này không chứa danh mục biện pháp (kết quả cũ hoặc đã che): hãy chạy lại kịch bản.",
    ),
    "certain": ("How sure: one plan beats another", "Độ chắc chắn: phương án này hơn phương án kia"),
    "certain_note": (
        ("Share of {n} common samples in which the plan of the row serves more people than that of the column; a tie "
        "counts half. Costs of a remedy spread by 30 % (half of it common to its kind), people of a commune by 15 %, "
        "assumed; a plan ends where its budget does."),
        ("Tỷ lệ trong {n} mẫu chung mà phương án ở hàng phục vụ nhiều người hơn phương án ở cột; hòa tính một nửa. Chi "
        "phí biến động 30 % (một nửa chung theo loại), dân số xã, phường 15 %, giả định; phương án dừng khi hết ngân sách."),
    ),
    "beats": ("beats {name}", "hơn {name}"),
    "range": ("people served, 5–95 %", "người được phục vụ, 5–95 %"),
    "mean_regret": ("behind the best, mean", "thua tốt nhất, trung bình"),
    "equity": ("Equity between communes", "Công bằng giữa các xã, phường"),
    "equity_note": (
        ("Gini of the share served over communes weighted by their people: 0 all alike, 1 all in one. Worst decile: share "
        "served among the tenth of the people who live in the worst-served communes."),
        ("Hệ số Gini của tỷ lệ được phục vụ giữa các xã, phường, theo dân số: 0 là như nhau. Thập phân vị kém nhất: tỷ lệ "
        "được phục vụ của một phần mười dân số ở những nơi kém nhất."),
    ),
    "gini": ("Gini", "Gini"),
    "decile": ("worst decile", "thập phân vị kém nhất"),
    "worst": ("worst commune", "xã, phường kém nhất"),
    "today": ("today", "hiện nay"),
    "after": ("with plan", "khi có phương án"),
    "overlap": ("What the plans share", "Phần chung của các phương án"),
    "overlap_note": ("Remedies of the first plan that the second buys too, and their money.",
                     "Biện pháp của phương án thứ nhất mà phương án thứ hai cũng mua, và số tiền."),
    "also": ("also in", "cũng có trong"),
    "remedies": ("remedies", "biện pháp"),
    "money": ("million USD", "triệu USD"),
    "of_plan": ("of the plan's money", "số tiền của phương án"),
    "first_steps": ("Remedies in every plan: safe first steps", "Biện pháp có trong mọi phương án: bước đầu an toàn"),
    "first_note": ("{n} remedies are bought whichever of these scenarios holds; the first {shown} are listed.",
                   "{n} biện pháp được mua dù kịch bản nào đúng; liệt kê {shown} biện pháp đầu."),
    "assumptions": ("Assumptions that differ", "Giả định khác nhau"),
    "assumptions_note": ("Settings equal in all are left out.", "Bỏ qua các thiết lập giống nhau."),
    "setting": ("setting", "thiết lập"),
    "meaning": ("meaning", "ý nghĩa"),
    "inputs": ("Input layers that differ", "Lớp dữ liệu khác nhau"),
    "inputs_note": ("Start of the hash of each layer's values.", "Phần đầu mã băm giá trị của mỗi lớp."),
    "layer": ("layer", "lớp"),
    "notes": ("Before you read", "Trước khi đọc"),
    "none": ("None.", "Không có."),
    "not_set": ("not set", "không đặt"),
    "contents": ("Contents", "Mục lục"),
    "cheaper": ("people gained by {name} are {by} fewer than modelled", "số người {name} phục vụ thêm ít hơn {by} so với mô hình"),
    "dearer": ("{kind} costs {by} more", "{kind} đắt hơn {by}"),
}  # fmt: skip


def words(language: str = "en") -> dict[str, str]:
    """Return every word of the page in a language."""
    at = LANGUAGES.index(language)
    return {key: pair[at] for key, pair in _WORDS.items()}
