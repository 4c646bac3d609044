// Accounts: opened, signed in to, changed, left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, ALICE, assertAccessible, useSite } from "./lib/browser.mjs";

const site = useSite();

test("somebody registers and is signed in where they came from", async () => {
    const page = await site.open("/register?next=%2Fupload");
    await page.getByRole("textbox", { name: "Name" }).fill("Nils");
    await page.getByLabel("E-mail address").fill("nils@example.org");
    await page.getByLabel("Password").fill("three words here");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("Drop videos here").waitFor();
    await page.getByText("Your account is open.", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Account of Nils" }).waitFor();
});

test("an address that is taken is told at its field", async () => {
    const page = await site.open("/register", { expected: [401, 409] });
    await page.getByRole("textbox", { name: "Name" }).fill("Nils");
    await page.getByLabel("E-mail address").fill(ALICE.email);
    await page.getByLabel("Password").fill("three words here");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText("This address has an account already.").waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "email");
    assert.equal(await page.getByLabel("E-mail address").getAttribute("aria-invalid"), "true");
    await assertAccessible(page, "a refused form");
});

test("a wrong password is refused without saying which of the two is wrong", async () => {
    const page = await site.open("/signin");
    await page.getByLabel("E-mail address").fill(ALICE.email);
    await page.getByLabel("Password").fill("not it");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("do not belong together").waitFor();
});

test("a link to another site is not followed after signing in", async () => {
    const page = await site.open("/signin?next=%2F%2Fevil.example%2F", { as: ALICE });
    await page.getByRole("heading", { name: "Newest videos" }).waitFor();
    assert.equal(new URL(page.url()).origin, site.url);
});

test("an address is verified by a press of the button, not by the visit", async () => {
    const page = await site.open("/verify?token=a-token-of-enough-length");
    const button = page.getByRole("button", { name: "This is my address" });
    await button.waitFor();
    assert.ok(!site.state.asked.includes("POST /api/v1/auth/verify"));
    await button.click();
    await page.getByText("your address is verified").waitFor();
});

test("name and password are changed", async () => {
    const page = await site.open("/account", { as: ALICE, expected: [401, 403] });
    await page.getByRole("textbox", { name: "Name" }).fill("Alice A.");
    await page.getByRole("button", { name: "Save name" }).click();
    await page.getByRole("button", { name: "Account of Alice A." }).waitFor();
    await page.getByLabel("Present password").fill("wrong");
    await page.getByLabel("New password").fill("another tram");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("This is not your password.").waitFor();
    await page.getByLabel("Present password").fill(ALICE.password);
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("Your password is changed, and every other device is signed out.").waitFor();
});

test("a device is signed out from another one", async () => {
    const here = await site.open("/account", { as: ALICE });
    const there = await site.open("/mine", { as: ALICE });
    await there.getByRole("heading", { name: "Broken tape" }).waitFor();
    await here.reload();
    const devices = here.getByRole("list", { name: "Devices" });
    await devices.getByText("This one").waitFor();
    assert.equal(await devices.getByRole("listitem").count(), 2);
    assert.equal(await devices.getByRole("button", { name: "Sign out" }).count(), 1);      // not this one
    await devices.getByRole("button", { name: /^Sign out .* on / }).click();
    await here.getByText("is signed out.", { exact: false }).waitFor();
    assert.equal(await devices.getByRole("listitem").count(), 1);
    await there.getByRole("article", { name: "Broken tape" }).getByRole("button", { name: "Trash" }).click();
    await there.getByText("Your session has ended").waitFor();
});

test("an administrator gives a role and takes the right to sign in, but not his own", async () => {
    const page = await site.open("/", { as: ADA });
    await page.getByRole("button", { name: "Account of Ada" }).click();
    await page.getByRole("link", { name: "People" }).click();
    const vera = page.getByRole("article", { name: "Vera" });
    await vera.getByLabel("Role of Vera").selectOption("creator");
    await page.getByText("Vera is creator now.").waitFor();
    await vera.getByRole("button", { name: "Disable Vera" }).click();
    await vera.getByText("Disabled").waitFor();
    const kept = [...site.state.users.values()].find((u) => u.user.name === "Vera").user;
    assert.deepEqual([kept.role, kept.disabled], ["creator", true]);
    await vera.getByRole("button", { name: "Enable Vera" }).click();
    await vera.getByText("Disabled").waitFor({ state: "detached" });
    assert.ok(await page.getByRole("article", { name: "Ada" }).getByRole("button").isDisabled());
});

test("an administrator corrects a birthday that was told", async () => {
    await site.begin();
    const vera = [...site.state.users.values()].find((u) => u.user.name === "Vera").user;
    vera.birthday = "1990-12-31";
    const page = await site.open("/people", { as: ADA });
    await page.goto(site.url + "/people");
    await page.getByLabel("Birthday of Vera").fill("1991-12-30");
    await page.getByLabel("Birthday of Vera").blur();
    await page.getByText("The birthday of Vera is 30 December 1991 now.").waitFor();
    assert.equal(vera.birthday, "1991-12-30");
    assert.equal(await page.getByLabel("Birthday of Ada").count(), 0);      // nobody is told one that was not told
    await assertAccessible(page, "people");
});

test("signing out everywhere ends the sessions of other devices, and they notice", async () => {
    const here = await site.open("/account", { as: ALICE });
    const there = await site.open("/mine", { as: ALICE });
    await there.getByRole("heading", { name: "Broken tape" }).waitFor();
    await here.getByRole("button", { name: "Sign out everywhere" }).click();
    await here.getByRole("link", { name: "Sign in" }).waitFor();
    await there.getByRole("article", { name: "Broken tape" }).getByRole("button", { name: "Trash" }).click();
    await there.getByText("Your session has ended").waitFor();
    await there.getByText("for people with an account").waitFor();
});

test("the theme that was chosen is kept", async () => {
    const page = await site.open("/");
    await page.getByLabel("Theme").selectOption("dark");
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.getByLabel("Theme").selectOption("system");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
});
