//! Who enters what: a pupil her own profile, a teacher and a school evaluations of their pupils, and nobody else
//! (docs/decisions/0057).

use actix_web::test::TestRequest;
use schemas::ids::PersonKey;
use serde_json::{Value, json};
use service::identity::oidc::{Issuer, OidcSettings};
use service::identity::{Binding, Grant, Scope};
use service::testkit::{Algorithm, TestIssuer};
use uuid::Uuid;

use crate::inputs::{domain, evaluations, profile, recomputed_is_the_same};
use crate::roster::{ENROLLMENTS, USERS, import, roster, with_another_school};
use crate::why::{competency, key, time};
use crate::world::{HOME, World, given};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Two schools: in 2A of the first the pupils `a` and `b` and the teacher `t`; in 2B of the other the pupil `c` and the
/// teacher `s`. The account `n` is in no roster.
struct Scene {
    world: World,
    issuer: TestIssuer,
}

impl Scene {
    async fn new() -> Self {
        let issuer = TestIssuer::start();
        let mut world = World::new().await;
        let settings = OidcSettings {
            subject_home_page: HOME.to_owned(),
            ..issuer.settings()
        };
        world.issuer = Issuer::new(settings).expect("sound settings");
        let users = USERS.replace("true,t1,,", &format!("true,t1,{{{HOME}:t}},"));
        let users = format!("{users}t2,,,true,t2,{{{HOME}:s}},Professeur,2B\n");
        let teacher = "e5,,,c2,o2,t2,teacher,true\n";
        let (status, told) = import(&world, with_another_school(&users, teacher)).await;
        assert_eq!(status, 200, "{told}");
        for (n, account) in ["a", "b", "c", "n"].into_iter().enumerate() {
            world.answer(&given(n as u64, account, n, true, 60)).await;
        }
        world.fold().await;
        Self { world, issuer }
    }

    fn token(&self, account: &str) -> String {
        self.issuer.bearer(account)
    }

    /// A credential that is bound to the first school.
    async fn of_school(&self, scope: Scope) -> String {
        let grant = Grant {
            binding: Binding {
                school: Some("0000000A".parse().expect("a school")),
                ..Binding::default()
            },
            ..Grant::of(&[scope], "of a school")
        };
        service::testkit::basic(&self.world.db.granted(&grant).await)
    }

    async fn key(&self, account: &str) -> String {
        key(&self.world, account).await
    }

    async fn declare(&self, pupil: &str, authorization: &str) -> (u16, Value) {
        let body = json!({ "degrees": { domain(0): 5 } });
        let request = TestRequest::put().uri(&profile(pupil)).set_json(&body);
        self.world.call(request, authorization).await
    }

    async fn enter(&self, pupil: &str, id: u128, authorization: &str) -> (u16, Value) {
        let body = json!({
            "id": Uuid::from_u128(id), "competency": competency(0), "at": time(3_600), "share": 0.5,
        });
        let request = TestRequest::post().uri(&evaluations(pupil)).set_json(&body);
        self.world.call(request, authorization).await
    }

    async fn get(&self, path: &str, authorization: &str) -> (u16, Value) {
        let request = TestRequest::get().uri(path);
        self.world.call(request, authorization).await
    }

    async fn delete(&self, path: &str, authorization: &str) -> (u16, Value) {
        let request = TestRequest::delete().uri(path);
        self.world.call(request, authorization).await
    }
}

#[actix_web::test]
async fn a_pupil_declares_reads_and_takes_back_her_own_profile_and_no_other() {
    let scene = Scene::new().await;
    let (a, b) = (scene.key("a").await, scene.key("b").await);
    let token = scene.token("a");
    let before = scene.world.served().await;
    let (status, declared) = scene.declare(&a, &token).await;
    assert_eq!(
        (status, &declared["degrees"][0]["degree"]),
        (200, &json!(5))
    );
    assert_eq!(scene.get(&profile(&a), &token).await, (200, declared));
    scene.world.fold().await;
    assert_ne!(scene.world.served().await, before);
    recomputed_is_the_same(&scene.world).await;

    // Of another pupil she is told what is told of nobody, there or not.
    let of_nobody = scene.get(&profile(NOBODY), &token).await;
    assert_eq!(of_nobody.0, 404);
    assert_eq!(scene.declare(&b, &scene.token("b")).await.0, 200);
    assert_eq!(scene.get(&profile(&b), &token).await, of_nobody);
    assert_eq!(scene.declare(&b, &token).await, of_nobody);
    assert_eq!(scene.delete(&profile(&b), &token).await, of_nobody);
    assert_eq!(scene.declare(NOBODY, &token).await, of_nobody);
    // Nor does she enter evaluations, her own least, or read them here.
    assert_eq!(scene.enter(&a, 1, &token).await, of_nobody);
    assert_eq!(scene.get(&evaluations(&a), &token).await, of_nobody);
    let one = format!("{}/{}", evaluations(&a), Uuid::from_u128(1));
    assert_eq!(scene.delete(&one, &token).await, of_nobody);
    // And nothing else is open to her.
    for path in ["mastery", "odd-answers"] {
        let path = format!("/api/v1/pupils/{a}/{path}");
        let (status, body) = scene.get(&path, &token).await;
        assert_eq!(
            (status, &body["rule"]),
            (403, &json!("person-own-only")),
            "{path}"
        );
    }

    assert_eq!(scene.delete(&profile(&a), &token).await.0, 204);
    assert_eq!(scene.delete(&profile(&a), &token).await.0, 404);
    // Who is in no roster has what she answered from.
    let n = scene.key("n").await;
    assert_eq!(scene.declare(&n, &scene.token("n")).await.0, 200);
    // Who has never been seen has nothing to declare for yet, as for whoever administers.
    let unseen = PersonKey::from(scene.world.account("unseen")).to_string();
    assert_eq!(
        scene.declare(&unseen, &scene.token("unseen")).await,
        of_nobody
    );
}

#[actix_web::test]
async fn an_account_that_the_token_names_beside_the_first_is_hers_too() {
    let scene = Scene::new().await;
    let (a, token) = (scene.key("a").await, scene.token("a"));
    assert_eq!(scene.declare(&a, &token).await.0, 200);
    // The token names another account of hers beside it.
    let mut claims = scene.issuer.claims("unseen");
    claims["accounts"] = json!([{ "homePage": HOME, "name": "a" }]);
    let token = scene.issuer.token(Algorithm::Es256, &claims);
    let other = format!("Bearer {token}");
    assert_eq!(scene.get(&profile(&a), &other).await.0, 200);
    assert_eq!(scene.delete(&profile(&a), &other).await.0, 204);
}

#[actix_web::test]
async fn a_teacher_enters_evaluations_of_her_classes_under_her_own_key() {
    let scene = Scene::new().await;
    let (a, c, n) = (
        scene.key("a").await,
        scene.key("c").await,
        scene.key("n").await,
    );
    let (t, s) = (scene.token("t"), scene.token("s"));
    let before = scene.world.served().await;
    let (status, entered) = scene.enter(&a, 1, &t).await;
    assert_eq!(status, 201, "{entered}");
    assert_eq!(entered["entered_by"], "app", "the application");
    assert_eq!(entered["entered_by_person"], json!(scene.key("t").await));
    assert_eq!(scene.enter(&a, 1, &t).await, (200, entered.clone()));
    let (status, listed) = scene.get(&evaluations(&a), &t).await;
    assert_eq!((status, &listed["evaluations"]), (200, &json!([entered])));
    scene.world.fold().await;
    assert_ne!(scene.world.served().await, before);
    // She sees what her pupils declared, and declares nothing for them.
    assert_eq!(scene.declare(&a, &scene.token("a")).await.0, 200);
    assert_eq!(scene.get(&profile(&a), &t).await.0, 200);
    let of_nobody = scene.get(&profile(NOBODY), &t).await;
    assert_eq!(of_nobody.0, 404);
    assert_eq!(scene.declare(&a, &t).await, of_nobody);
    assert_eq!(scene.delete(&profile(&a), &t).await, of_nobody);
    // Of pupils of other classes, of none, of herself, of nobody: the same.
    let herself = scene.key("t").await;
    for other in [&c, &n, &herself, NOBODY] {
        assert_eq!(scene.enter(other, 2, &t).await, of_nobody);
        assert_eq!(scene.get(&evaluations(other), &t).await, of_nobody);
        if other != herself {
            assert_eq!(scene.get(&profile(other), &t).await, of_nobody);
        }
    }
    let one = format!("{}/{}", evaluations(&a), Uuid::from_u128(1));
    assert_eq!(scene.delete(&one, &s).await, of_nobody);
    // By way of her own pupil she reaches no other's.
    assert_eq!(scene.enter(&c, 3, &s).await.0, 201);
    let others = format!("{}/{}", evaluations(&a), Uuid::from_u128(3));
    let (status, body) = scene.delete(&others, &t).await;
    assert_eq!((status, &body["rule"]), (404, &json!("evaluation-unknown")));
    assert_eq!(scene.delete(&one, &t).await.0, 204);
    assert_eq!(scene.delete(&profile(&a), &scene.token("a")).await.0, 204);

    // Whoever teaches the class no more is let in no more.
    let enrolments = ENROLLMENTS.replace("e3,,,c1,o1,t1,teacher,true\n", "");
    let (status, told) = import(
        &scene.world,
        roster("bulk", &[("enrollments.csv", &enrolments)]),
    )
    .await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(scene.enter(&a, 4, &t).await, of_nobody);
}

#[actix_web::test]
async fn the_roster_of_the_moment_says_whom_an_account_reaches() {
    let scene = Scene::new().await;
    let (a, b) = (scene.key("a").await, scene.key("b").await);
    let of_nobody = scene.get(&profile(NOBODY), &scene.token("a")).await;
    assert_eq!(scene.declare(&a, &scene.token("a")).await.0, 200);
    assert_eq!(scene.declare(&b, &scene.token("b")).await.0, 200);
    let taught = async |changed: &str| {
        let (status, told) = import(&scene.world, roster("bulk", &[("users.csv", changed)])).await;
        assert_eq!(status, 200, "{told}");
        scene.enter(&b, 1, &scene.token("t")).await
    };
    let users = |t: &str| USERS.replace("true,t1,,", &format!("{t},"));
    let teacher = users(&format!("true,t1,{{{HOME}:t}}"));
    assert_eq!(taught(&teacher).await.0, 201);
    // A teacher who is disabled, and one whose account is a pupil's now.
    let disabled = users(&format!("false,t1,{{{HOME}:t}}"));
    assert_eq!(taught(&disabled).await, of_nobody);
    let given_away = users("true,t1,").replace("{LDAP:x}", &format!("{{{HOME}:t}}"));
    assert_eq!(taught(&given_away).await, of_nobody);
    assert_eq!(scene.get(&profile(&b), &scene.token("t")).await.0, 200);
    assert_eq!(taught(&teacher).await.0, 200, "the one that there is");

    // An account that is moved opens what is its new person's, and nothing else.
    let moved = teacher.replace(&format!("{{{HOME}:a}}"), "");
    let moved = moved.replace("{LDAP:x}", &format!("{{{HOME}:a}}"));
    assert_eq!(taught(&moved).await.0, 200);
    assert_eq!(scene.key("a").await, b);
    assert_eq!(scene.get(&profile(&b), &scene.token("a")).await.0, 200);
    assert_eq!(scene.get(&profile(&a), &scene.token("a")).await, of_nobody);
}

#[actix_web::test]
async fn a_school_enters_evaluations_of_its_own_pupils() {
    let scene = Scene::new().await;
    let (a, c) = (scene.key("a").await, scene.key("c").await);
    let school = scene.of_school(Scope::All).await;
    let reader = scene.of_school(Scope::AllRead).await;
    let (status, entered) = scene.enter(&a, 1, &school).await;
    assert_eq!((status, &entered["entered_by_person"]), (201, &Value::Null));
    assert_eq!(scene.declare(&a, &scene.token("a")).await.0, 200);
    assert_eq!(scene.get(&profile(&a), &school).await.0, 200);
    let of_nobody = scene.enter(NOBODY, 2, &school).await;
    assert_eq!(of_nobody.0, 404);
    assert_eq!(scene.enter(&c, 2, &school).await, of_nobody);
    assert_eq!(scene.get(&evaluations(&c), &school).await, of_nobody);
    let one = |key: &str| format!("{}/{}", evaluations(key), Uuid::from_u128(1));
    assert_eq!(scene.delete(&one(&c), &school).await, of_nobody);
    // The profile is the pupil's to declare.
    let (status, body) = scene.declare(&a, &school).await;
    assert_eq!((status, &body["rule"]), (403, &json!("school-bound")));
    assert_eq!(scene.delete(&profile(&a), &school).await.0, 403);
    // To read is not to enter.
    assert_eq!(scene.get(&evaluations(&a), &reader).await.0, 200);
    let (status, body) = scene.enter(&a, 3, &reader).await;
    assert_eq!((status, &body["rule"]), (403, &json!("scope")));
    assert_eq!(scene.delete(&one(&a), &reader).await.0, 403);
    assert_eq!(scene.delete(&one(&a), &school).await.0, 204);

    // An application's own token says for whom it acts.
    let mut claims = scene.issuer.claims("t");
    claims["scope"] = json!("all");
    let token = scene.issuer.token(Algorithm::Es256, &claims);
    let (status, entered) = scene.enter(&c, 5, &format!("Bearer {token}")).await;
    assert_eq!(status, 201, "{entered}");
    assert_eq!(entered["entered_by_person"], json!(scene.key("t").await));
}
