//! A campaign with its codes as text: the door through which tables come in.

use std::collections::HashMap;

use super::findings::{Finding, Groups};
use super::intern::{Interner, NEAR, hash};
use super::policy::Policy;
use super::run::Change;
use super::words::Outcome;
use super::world::{MemberRow, NONE, ResultRow, TubeRow, World, flag, given};
use crate::error::Result;

/// One membership as it stands in a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberText<'a> {
    /// Who.
    pub person: &'a str,
    /// In which tube; none for somebody planned.
    pub tube: Option<&'a str>,
    /// Times and flags.
    pub row: MemberRow,
    /// The round, where the caller gives rounds.
    pub round: Option<&'a str>,
    /// The tube this membership re-tests.
    pub retest_of: Option<&'a str>,
    /// What proves who it is (a number of a paper, or its fingerprint).
    pub identity: Option<&'a str>,
}

/// One result as it stands in a table.
#[derive(Debug, Clone, Copy)]
pub struct ResultText<'a> {
    /// Of which tube.
    pub tube: &'a str,
    /// The laboratory's id of it.
    pub id: Option<&'a str>,
    /// The id of the result it replaces.
    pub amends: Option<&'a str>,
    /// The version; none: one more than what it amends, else 1.
    pub version: Option<u16>,
    /// What it says; `row.version` is not read.
    pub row: ResultRow,
}

/// One tube as it stands in a table; `row.parent` is not read.
#[derive(Debug, Clone, Copy)]
pub struct TubeText<'a> {
    /// Its code.
    pub tube: &'a str,
    /// The tube it was mixed into.
    pub parent: Option<&'a str>,
    /// Counts and times.
    pub row: TubeRow,
    /// Team, laboratory and rack, for F14.
    pub groups: [Option<&'a str>; 3],
}

impl TubeText<'_> {
    /// Whether another row of the same code must be another tube. The rack may change.
    fn differs(&self, other: &Self) -> bool {
        let is_other = |at: usize| {
            self.groups[at].zip(other.groups[at]).is_some_and(|(one, another)| one != another)
        };
        self.row != other.row || self.parent != other.parent || is_other(0) || is_other(1)
    }
}

/// Which finding is closed, for which tube or person.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// The finding.
    pub code: super::words::Code,
    /// The tube it is about.
    pub tube: Option<&'a str>,
    /// The person it is about.
    pub person: Option<&'a str>,
}

/// Rows that the two threads of [`Campaign::add_members`] hand over at once.
const BLOCK: usize = 4096;

/// Numbers of the people of some rows.
fn intern_block<'a>(
    people: &mut Interner,
    rows: std::ops::Range<usize>,
    text: &impl Fn(usize) -> MemberText<'a>,
) -> Result<Vec<u32>> {
    let mut numbers = Vec::with_capacity(rows.len());
    let mut names = [""; NEAR];
    let mut hashes = [0_u64; NEAR];
    for start in rows.clone().step_by(NEAR) {
        let size = NEAR.min(rows.end - start);
        for at in 0..size {
            names[at] = text(start + at).person;
            hashes[at] = hash(names[at].as_bytes());
        }
        people.touch(&hashes[..size]);
        for at in 0..size {
            numbers.push(people.add_hashed(names[at], hashes[at])?.0);
        }
    }
    Ok(numbers)
}

/// Codes, and the world they stand for.
#[derive(Debug, Clone, Default)]
pub struct Campaign {
    /// Tubes, memberships and results by number.
    pub world: World,
    /// Codes of people.
    pub people: Interner,
    /// Codes of tubes.
    pub tubes: Interner,
    groups: Vec<Groups>,
    rounds: Interner,
    identities: Interner,
    identity_owner: Vec<u32>,
    identity_of: HashMap<u32, u32>,
    last_tube: u32,
    /// Tubes whose consequences are not worked out yet.
    pending: Vec<u32>,
}

const GROUPS: [&str; 3] = ["team", "laboratory", "rack"];

impl Campaign {
    /// An empty campaign.
    pub fn new(policy: Policy) -> Self {
        Self { world: World::new(policy), last_tube: NONE, ..Self::default() }
    }

    /// Room for the first `members` memberships, exactly, with codes of about `bytes` bytes;
    /// a campaign that grows takes room ahead by itself.
    pub fn reserve(&mut self, members: usize, bytes: usize) {
        if self.people.is_empty() {
            self.world.reserve(members);
            self.people = Interner::with_capacity(members, members * bytes);
            self.world.head.reserve_exact(members);
        }
    }

    /// The number of a tube code. Members of a tube mostly follow each other.
    #[inline]
    fn tube_number(&mut self, code: &str) -> Result<u32> {
        if self.last_tube != NONE && self.tubes.bytes(self.last_tube) == code.as_bytes() {
            return Ok(self.last_tube);
        }
        self.last_tube = self.tubes.add(code)?.0;
        Ok(self.last_tube)
    }

    /// Room for `tubes` tubes in all.
    pub fn reserve_tubes(&mut self, tubes: usize) {
        if self.tubes.is_empty() {
            self.tubes = Interner::with_capacity(tubes, tubes * 12);
            self.world.tubes.reserve_exact(tubes);
        }
    }

    /// Adds memberships; `numbers` receives the number of each, [`NONE`] for somebody without a
    /// tube. `text` gives the row of a number.
    ///
    /// Of many rows the people get their numbers on a second thread, some blocks ahead of the
    /// tubes: the two never touch the same memory, and numbers do not depend on who is faster.
    pub fn add_members<'a>(
        &mut self,
        count: usize,
        numbers: &mut Vec<u32>,
        text: impl Fn(usize) -> MemberText<'a> + Sync,
    ) -> Result<()> {
        const FEW: usize = 20_000;
        let mut people = std::mem::take(&mut self.people);
        let text = &text;
        let done = if count < FEW {
            let all = intern_block(&mut people, 0..count, text);
            all.and_then(|all| self.add_block(0, &all, numbers, text))
        } else {
            std::thread::scope(|scope| {
                let (give, take) = std::sync::mpsc::sync_channel::<Vec<u32>>(8);
                let people = &mut people;
                let naming = scope.spawn(move || {
                    for start in (0..count).step_by(BLOCK) {
                        let rows = start..count.min(start + BLOCK);
                        if give.send(intern_block(people, rows, text)?).is_err() {
                            break; // the other side stopped with an error of its own
                        }
                    }
                    Ok(())
                });
                let mut start = 0;
                for block in take {
                    self.add_block(start, &block, numbers, text)?;
                    start += block.len();
                }
                naming.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        };
        self.people = people;
        done
    }

    fn add_block<'a>(
        &mut self,
        start: usize,
        people: &[u32],
        numbers: &mut Vec<u32>,
        text: &impl Fn(usize) -> MemberText<'a>,
    ) -> Result<()> {
        for (at, &person) in people.iter().enumerate() {
            numbers.push(self.add_one(person, &text(start + at))?);
        }
        Ok(())
    }

    /// Adds a membership; its number, or [`NONE`] for somebody without a tube.
    pub fn add_member(&mut self, text: &MemberText<'_>) -> Result<u32> {
        let person = self.people.add(text.person)?.0;
        self.add_one(person, text)
    }

    #[inline]
    fn add_one(&mut self, person: u32, text: &MemberText<'_>) -> Result<u32> {
        if let Some(identity) = text.identity {
            self.note_identity(person, identity)?;
        }
        let Some(tube) = text.tube else {
            self.world.add_planned(person);
            return Ok(NONE);
        };
        let tube = self.tube_number(tube)?;
        let member = self.world.add_member(person, tube, text.row);
        if self.pending.last() != Some(&tube) {
            self.pending.push(tube);
        }
        if let Some(round) = text.round {
            let round = self.rounds.add(round)?.0;
            let column = self.world.round.get_or_insert_default();
            if column.len() <= member as usize {
                column.resize(member as usize + 1, NONE);
            }
            column[member as usize] = round;
        }
        if let Some(of) = text.retest_of {
            let of = self.tubes.add(of)?.0;
            self.world.touch_tube(of);
            self.world.retest_of.insert(member, of);
        }
        if self.world.identities.contains_key(&person) {
            self.world.mark_person(person, flag::IDENTITY);
        }
        Ok(member)
    }

    /// F15: the same identity for two people, or two identities for one.
    fn note_identity(&mut self, person: u32, identity: &str) -> Result<()> {
        let (number, is_new) = self.identities.add(identity)?;
        if is_new {
            self.identity_owner.push(person);
        }
        let owner = self.identity_owner[number as usize];
        if owner != person {
            self.doubt_identity(person, owner);
            self.doubt_identity(owner, person);
        }
        if *self.identity_of.entry(person).or_insert(number) != number {
            self.doubt_identity(person, person);
        }
        Ok(())
    }

    fn doubt_identity(&mut self, person: u32, other: u32) {
        self.world.identities.entry(person).or_insert(other);
        self.world.mark_person(person, flag::IDENTITY);
        self.await_person(person);
    }

    fn await_person(&mut self, person: u32) {
        let tubes = self.world.memberships(person).iter().map(|&m| self.world.tube[m as usize]);
        self.pending.extend(tubes);
    }

    /// Works out what was added since the last time; gives the memberships whose state changed.
    pub fn settle(&mut self) -> Vec<Change> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_unstable();
        pending.dedup();
        self.world.apply(&pending)
    }

    /// Works out everything anew.
    pub fn run(&mut self) {
        self.pending = Vec::new();
        self.world.run();
    }

    /// Adds tubes; a code with two different rows in one call, or with two teams or laboratories,
    /// is F13, in a later call the news.
    pub fn add_tubes(&mut self, rows: &[TubeText<'_>]) -> Result<()> {
        self.reserve_tubes(rows.len());
        // By tube: one more than the row in which it was seen last.
        let mut seen = vec![0_u32; self.tubes.len().max(rows.len())];
        for (at, text) in rows.iter().enumerate() {
            let number = self.tube_number(text.tube)?;
            self.world.touch_tube(number);
            let before = self.world.tubes[number as usize].parent;
            let parent = match text.parent {
                Some(code) => self.tubes.add(code)?.0,
                None => NONE,
            };
            self.world.set_tube(number, &TubeRow { parent, ..text.row });
            if seen.len() <= number as usize {
                seen.resize(number as usize * 2, 0);
            }
            let last = std::mem::replace(&mut seen[number as usize], at as u32 + 1);
            if last > 0 && rows[last as usize - 1].differs(text) {
                self.world.tubes[number as usize].given |= given::REUSED;
            }
            for (at, name) in text.groups.iter().enumerate() {
                if let Some(name) = name {
                    self.set_group(GROUPS[at], number, name)?;
                }
            }
            self.pending.push(number);
            self.pending.extend([before, parent].into_iter().filter(|&p| p != NONE));
        }
        Ok(())
    }

    fn set_group(&mut self, kind: &'static str, tube: u32, name: &str) -> Result<()> {
        let at = if let Some(at) = self.groups.iter().position(|g| g.kind == kind) {
            at
        } else {
            self.groups.push(Groups { kind, ..Groups::default() });
            self.groups.len() - 1
        };
        let group = &mut self.groups[at];
        if group.of_tube.len() <= tube as usize {
            group.of_tube.resize(tube as usize + 1, NONE);
        }
        group.of_tube[tube as usize] = group.names.add(name)?.0;
        Ok(())
    }

    /// Adds results.
    ///
    /// A result that amends another of the same call has a version above it, whatever the order
    /// of the rows; if it names another tube, the amended tube loses its result. The same id with
    /// another tube is a clash on both tubes (F6).
    pub fn add_results(&mut self, rows: &[ResultText<'_>]) -> Result<()> {
        let mut versions: Vec<u16> = rows.iter().map(|r| r.version.unwrap_or(1)).collect();
        if rows.iter().any(|r| r.amends.is_some()) {
            self.order_amendments(rows, &mut versions)?;
        }
        let identified = rows.iter().filter(|row| row.id.is_some()).count();
        let mut ids = Interner::with_capacity(identified, identified * 16);
        let mut tube_of_id: Vec<u32> = Vec::with_capacity(identified);
        for (part, versions) in rows.chunks(NEAR).zip(versions.chunks(NEAR)) {
            let mut hashes = [0_u64; NEAR];
            for (sum, row) in hashes.iter_mut().zip(part) {
                *sum = hash(row.tube.as_bytes());
            }
            self.tubes.touch(&hashes[..part.len()]);
            let mut numbers = [NONE; NEAR];
            for (number, row) in numbers.iter_mut().zip(part) {
                *number = self.tube_number(row.tube)?;
            }
            self.world.touch_tubes(&numbers[..part.len()]);
            for ((text, &version), &tube) in part.iter().zip(versions).zip(&numbers) {
                self.world.add_result(tube, ResultRow { version, ..text.row });
                self.pending.push(tube);
                let Some(id) = text.id else { continue };
                let (number, is_new) = ids.add(id)?;
                if is_new {
                    tube_of_id.push(tube);
                } else if tube_of_id[number as usize] != tube && text.amends.is_none() {
                    let other = tube_of_id[number as usize];
                    self.world.tubes[tube as usize].given |= given::CLASH;
                    self.world.tubes[other as usize].given |= given::CLASH;
                    self.pending.push(other);
                }
            }
        }
        Ok(())
    }

    fn order_amendments(&mut self, rows: &[ResultText<'_>], versions: &mut [u16]) -> Result<()> {
        let by_id: HashMap<&str, usize> =
            rows.iter().enumerate().filter_map(|(at, r)| r.id.map(|id| (id, at))).collect();
        // A chain of n amendments settles in n rounds; a circle is cut off and ends as F6 or in
        // the newest version, never in a loop.
        for _ in 0..8 {
            let mut is_settled = true;
            for (at, row) in rows.iter().enumerate() {
                let Some(&old) = row.amends.and_then(|id| by_id.get(id)) else { continue };
                if old != at && versions[at] <= versions[old] && versions[old] < 60_000 {
                    versions[at] = versions[old] + 1;
                    is_settled = false;
                }
            }
            if is_settled {
                break;
            }
        }
        for row in rows {
            let Some(&old) = row.amends.and_then(|id| by_id.get(id)) else { continue };
            if rows[old].tube != row.tube {
                let tube = self.tube_number(rows[old].tube)?;
                let cancel = ResultRow {
                    outcome: Outcome::Missing,
                    version: versions[old].saturating_add(1),
                    recorded: 0,
                    ct: f32::NAN,
                    ..rows[old].row
                };
                self.world.add_result(tube, cancel);
                self.pending.push(tube);
            }
        }
        Ok(())
    }

    /// Takes note of findings closed by somebody who may; unknown tubes and people are ignored.
    pub fn close(&mut self, closing: &Closing<'_>) {
        use super::words::Code;
        let tube = closing.tube.and_then(|code| self.tubes.find(code));
        let person = closing.person.and_then(|code| self.people.find(code));
        if let Some(person) = person {
            self.await_person(person);
        }
        self.pending.extend(tube);
        match (closing.code, person, tube) {
            (Code::Late | Code::NotForPool, Some(person), Some(tube)) => {
                if let Some(member) = self.world.find_membership(person, tube) {
                    let flags = &mut self.world.flags[member as usize];
                    if closing.code == Code::Late {
                        *flags |= flag::LATE_CLOSED;
                    } else {
                        *flags &= !flag::NOT_FOR_POOL;
                    }
                }
            }
            (Code::TwoTubes, Some(person), _) => self.world.mark_person(person, flag::TWO_CLOSED),
            (Code::Identity, Some(person), _) => {
                self.world.identities.remove(&person);
                for member in self.world.memberships(person).to_vec() {
                    self.world.flags[member as usize] &= !flag::IDENTITY;
                }
            }
            (code, _, Some(tube)) => {
                self.world.touch_tube(tube);
                self.world.tubes[tube as usize].closed |= code.bit();
            }
            _ => {}
        }
    }

    /// All findings (see [`World::findings`]).
    pub fn findings(&self, as_of: u32) -> Vec<Finding> {
        self.world.findings(&self.tubes, &self.groups, as_of)
    }

    /// Bytes held, spare room included.
    pub fn byte_size(&self) -> usize {
        self.world.byte_size()
            + self.pending.capacity() * 4
            + self.people.byte_size()
            + self.tubes.byte_size()
    }
}
