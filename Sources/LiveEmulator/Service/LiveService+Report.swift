// SPDX-License-Identifier: Apache-2.0

/// What the service can tell afterwards, or at any time.
extension LiveService {
  /// Everything that it saw. Copies all accounts: linear in the number of sessions.
  public func report() -> ServiceReport {
    ServiceReport(
      totals: totalsNow, sessions: sessions.indices.map { sessions[$0].report(number: $0) },
      promisesBroken: promises)
  }

  /// The sessions that bear a label, with their accounts; none for an unknown one.
  public func report(_ label: String) -> LabelReport {
    let numbers = sessionsByLabel[label] ?? []
    return LabelReport(label: label, sessions: numbers.map { sessions[$0].report(number: $0) })
  }

  /// How many sessions there have been; they are numbered from 0 to one less.
  public var sessionCount: Int { sessions.count }

  /// One session by the service's number; nil if there is none of it.
  public func report(ofSession number: Int) -> SessionReport? {
    sessions.indices.contains(number) ? sessions[number].report(number: number) : nil
  }

  /// The numbers alone; linear in the number of tokens that have not expired.
  public var totalsNow: ServiceTotals {
    var totals = totals
    totals.connectionsOpen = connections.count
    totals.tokensExpiredUnused = tokens.expiredUnused(at: now)
    return totals
  }

  /// Promises that the client broke, as far as their details were kept.
  public var promisesBroken: [BrokenPromise] { promises }
}
