// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// Puts together what emulator, network and applications saw of a tour.
struct TourReporter {
  let tour: Tour
  let storm: StormFigures?
  let wall: Duration
  /// Nil where nobody looks at pictures.
  let life: LifeRecorder?

  func report() -> TourReport {
    let accounts = tour.witness.accounts
    let sessions = accounts.indices.map { session in
      SessionFigures(accounts[session], audio: audio(of: accounts[session], session: session))
    }
    var run = RunFigures()
    let totals = tour.network.withService { $0.totalsNow }
    run.virtual = EngineInstant.zero.duration(to: tour.simulation.clock.now)
    run.wall = wall
    run.tokensMinted = totals.minted
    run.tokensExpiredUnused = totals.tokensExpiredUnused
    run.roundTrip = tour.options.roundTrip
    run.setup = ServiceConfiguration().connections.setupProcessing
    run.storm = storm
    run.promisesBroken = brokenPromises(accounts)
    run.seed = tour.options.seed
    run.traceHash = tour.trace.hexDigest
    return TourReport(
      summary: TourSummary(sessions: sessions, run: run),
      life: timeline(accounts))
  }

  /// The life of the session that the service met first.
  private func timeline(_ accounts: [SessionAccount]) -> Timeline {
    let length = tour.options.length
    let label = tour.network.withService { $0.report().sessions.first?.label } ?? "0"
    let reports =
      Int(label).flatMap { accounts.indices.contains($0) ? accounts[$0] : nil }?.reports ?? []
    func time(_ instant: EngineInstant) -> Duration { EngineInstant.zero.duration(to: instant) }
    var events = life?.events(until: length) ?? []
    var tokenSince = Duration.zero
    for report in reports {
      if report.cause.isPlanned { events.append(TimelineEvent(.rotation, at: time(report.at))) }
      guard report.credentialRenewed else { continue }
      events.append(TimelineEvent(.renewal, at: time(report.at)))
      events.append(TimelineEvent(.token, from: tokenSince, to: time(report.at)))
      tokenSince = time(report.at)
    }
    events.append(TimelineEvent(.token, from: tokenSince, to: length))
    if let storm = tour.options.stormAt { events.append(TimelineEvent(.storm, at: storm)) }
    return Timeline(title: "The life of session \(label)", length: length, events: events)
  }

  /// What became of a session's speech: what it sent against what the service remembers.
  private func audio(of account: SessionAccount, session: Int) -> AudioAccount {
    guard let recording = tour.recording else {
      return AudioAccount(sessionsExact: 1)
    }
    let remembered = tour.network.withService { $0.report(String(session)) }
      .sessions.flatMap(\.remembered.audio)
    return AudioAccounting(
      sentPositions: account.sentPositions, of: recording, rememberedBytes: remembered,
      reportedLost: account.reports.flatMap(\.dropped.audio),
      uncertain: account.reports.flatMap(\.uncertain.audio)
    ).account()
  }

  // MARK: Promises

  private func brokenPromises(_ accounts: [SessionAccount]) -> [String] {
    var broken = tour.network.withService { $0.promisesBroken }.map { promise in
      "\(promise.kind) on connection \(promise.connection)"
    }
    for (index, account) in accounts.enumerated() {
      let heard = tour.network.withService { $0.report(String(index)) }
        .sessions.reduce(0) { $0 + $1.remembered.tallies.content.count }
      broken += account.brokenPromises(
        session: index, textsRemembered: heard,
        slack: tour.options.roundTrip + CoveragePolicy().proofInterval)
    }
    return broken
  }
}
