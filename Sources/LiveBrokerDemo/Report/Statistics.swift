// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Three figures that describe many durations, in milliseconds. All zero if there were none.
struct Percentiles: Equatable, Sendable {
  var p50 = 0.0
  var p99 = 0.0
  var max = 0.0

  init(of durations: some Sequence<Duration>) {
    let sorted = durations.sorted()
    guard let last = sorted.last else { return }
    p50 = (nearestRank(50, in: sorted) ?? .zero).milliseconds
    p99 = (nearestRank(99, in: sorted) ?? .zero).milliseconds
    max = last.milliseconds
  }
}

/// The nearest-rank percentile: the smallest element that at least so many per cent do not exceed.
/// Always one of the elements; nil if there are none.
func nearestRank<Value: Comparable>(_ percent: Int, in sorted: [Value]) -> Value? {
  guard !sorted.isEmpty else { return nil }
  let (quotient, remainder) = (percent * sorted.count).quotientAndRemainder(dividingBy: 100)
  let rank = quotient + (remainder > 0 ? 1 : 0)
  return sorted[min(max(rank, 1), sorted.count) - 1]
}

/// The smallest and the largest of some counts; both zero if there were none.
struct Extremes: Equatable, Sendable {
  var min = 0
  var max = 0

  init(of counts: some Sequence<Int>) {
    for (index, count) in counts.enumerated() {
      min = index == 0 ? count : Swift.min(min, count)
      max = index == 0 ? count : Swift.max(max, count)
    }
  }
}

/// The largest number of moments within any second: from each moment on, all that come less than
/// a second later.
func peakPerSecond(_ moments: some Sequence<EngineInstant>) -> Int {
  let sorted = moments.sorted()
  var peak = 0
  var first = 0
  for (index, moment) in sorted.enumerated() {
    while sorted[first].duration(to: moment) >= .seconds(1) { first += 1 }
    peak = max(peak, index - first + 1)
  }
  return peak
}

extension Duration {
  /// In milliseconds, for showing.
  var milliseconds: Double { self / .milliseconds(1) }
  /// In seconds, for showing.
  var inSeconds: Double { self / .seconds(1) }
}
