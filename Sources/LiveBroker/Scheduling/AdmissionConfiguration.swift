// SPDX-License-Identifier: Apache-2.0

/// How the broker paces its dials to one endpoint.
///
/// The broker sees all sessions, so it can do what a library that holds one session cannot: let
/// them dial one after the other, at the rate that the service was seen to take. Rates may be
/// `.infinity` and ``maximumInFlight`` may be `Int.max`, which turns the limit off.
public struct AdmissionConfiguration: Sendable, Hashable {
  /// Dials per second to begin with, before anything is known of the service. Default 200: a
  /// thousand sessions are up within three seconds, and a service that takes less refuses few.
  public var initialDialsPerSecond: Double = 200
  /// Dials per second are never more than this. Default 2,000, about what one core can open with
  /// TLS; a process that dials faster than it can answer only produces time-outs.
  public var maximumDialsPerSecond: Double = 2_000
  /// Dials per second are never fewer than this, however much is refused. Default 1, so that a
  /// recovery is noticed.
  public var minimumDialsPerSecond: Double = 1
  /// Dials under way at a time. Default 1,024: half a second of the highest rate, and well below
  /// the file descriptors and handshake memory of a small host.
  public var maximumInFlight: Int = 1_024
  /// A granted dial of which nothing is heard for so long is taken for lost. Default 60 s, more
  /// than all phases of a dial together.
  public var longestDial: Duration = .seconds(60)
  /// A fresh start that has waited so long queues with the resumes. Default 10 s.
  public var freshStartPatience: Duration = .seconds(10)
  /// How long before its deadline a planned rotation stops yielding to unplanned resumes; the time
  /// that all waiting rotations need together is added. Default 2 s.
  public var rotationLead: Duration = .seconds(2)
  /// A `Retry-After` is honoured up to this long. Default 5 min: a wrong one must not stop the
  /// broker for a day.
  public var longestPause: Duration = .seconds(300)
  /// Connect failures in a row that open the breaker. Default 8.
  public var breakerThreshold: Int = 8
  /// Intervals between the probes of an open breaker. Default 500 ms doubling up to 30 s.
  public var probeBackoff = Backoff(base: .milliseconds(500), cap: .seconds(30))

  /// The longest time for which nobody asks for more sessions than the service was seen to take; then
  /// one does, and after each refusal the time is longer. Half of it is certain. Default 15 s doubling
  /// up to 5 min: a refused setup costs a token, and a quota is rarely raised.
  public var quotaBackoff = Backoff(base: .seconds(15), cap: .seconds(300))

  /// The documented defaults.
  public init() {}

  /// No limit of rate or of dials under way, until the service refuses one.
  public static var unlimited: AdmissionConfiguration {
    var configuration = AdmissionConfiguration()
    configuration.initialDialsPerSecond = .infinity
    configuration.maximumDialsPerSecond = .infinity
    configuration.maximumInFlight = .max
    return configuration
  }
}
