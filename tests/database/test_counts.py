"""Counts beside nested lists: computed columns, in the same request as the lists."""

from tests.database.rest import RestPerson, create


def test_counts_of_a_product_are_selected_by_name_with_its_nested_lists(
    owner: RestPerson, stranger: RestPerson
) -> None:
    for number in range(3):
        create(stranger.client, "work_items", product_id=stranger.rows["products"], title=f"t{number}")
    select = (
        "id,repositories_count,work_items_count,documents_count,app_info_count,"
        "work_items(title),repositories(id,work_items_count,documents_count)"
    )
    limits = {"work_items.limit": "2", "work_items.order": "created_at.desc,id.desc"}
    answer = stranger.client.get("products", params={"select": select, **limits}).raise_for_status()
    assert answer.json() == [
        {
            "id": stranger.rows["products"],
            "repositories_count": 1,
            "work_items_count": 4,
            "documents_count": 1,
            "app_info_count": 1,
            "work_items": [{"title": "t2"}, {"title": "t1"}],
            "repositories": [
                {"id": stranger.rows["repositories"], "work_items_count": 0, "documents_count": 0}
            ],
        }
    ]
    assert owner.rows["products"] != stranger.rows["products"]


def test_counts_of_a_repository_count_what_points_at_it(stranger: RestPerson) -> None:
    link = {"product_id": stranger.rows["products"], "repository_id": stranger.rows["repositories"]}
    create(stranger.client, "work_items", title="a", **link)
    create(stranger.client, "work_items", title="b", **link)
    create(stranger.client, "documents", title="a", **link)
    answer = stranger.client.get("repositories", params={"select": "work_items_count,documents_count"})
    assert answer.raise_for_status().json() == [{"work_items_count": 2, "documents_count": 1}]
