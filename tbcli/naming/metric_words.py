"""The words in names of metrics, and what each says of the direction: the list, and names read by it.

A name is read word by word in lower case; of entries with several words the longest comes first. Plurals and numbers at
the end of a word (``errors``, ``recall5``, ``map50``) need no entry of their own. Single letters mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tbcli.naming.words import words_of

LOWER = """
    loss, logloss, valloss, trainloss, testloss, log loss, objective, cost, criterion, penalty, regularization,
    regularizer,
    error, err, mistake, misclassification, misclassified, inaccuracy, wrong, incorrect, dissimilarity, residual,
    distortion, artifact,
    mae, mse, rmse, mape, smape, mase, msle, rmsle, rmspe, mspe, mdape, mdae, medae, medape, wape, wmape, rae, rse,
    rrse, nrmse, nmse, nmae, rmsse, wrmsse,
    mape50, wql, msis, crps, owa, sse, ssr, sad, ssd, abs rel, absrel, sq rel, sqrel, silog, log10, l1, l2, linf,
    logcosh, log cosh, deviance, tweedie, poisson,
    pinball, quantile, huber, hinge, brier, brier score, chi2, chi squared, chisq, rmsd, clash, clashscore,
    ce, bce, nll, nlpd, nelbo, xent, xentropy, crossentropy, cross entropy, logistic, softmax, focal, ctc, triplet,
    contrastive, infonce, info nce, adversarial,
    kl, kld, kldiv, approx kl, approxkl, kullback leibler, div, divergence, jsd, js, jensen shannon, mmd, wasserstein,
    emd, earth mover, earth movers, sinkhorn, bures,
    fid, kid, sfid, fvd, fad, cmmd, lpips, dists, niqe, brisque, piqe, frechet, gmsd, mdsi, ergas, rase, d lambda,
    spectral angle,
    ppl, perplexity, bpc, bpb, bpd, bpt, bpw, bits per, nats per, bits per dim, bits per dimension, bits per byte,
    bits per char, bits per character, bits per token, bits per word, nats per token, nats per dim, nats per word,
    codelength, description length, aic, bic, waic, hqic,
    wer, cer, ter, mer, wil, ser, ler, der, jer, eer, cder, mcd, gpe, vde, ffe, dcf, mindcf, tdcf, cllr, min dcf,
    edit, levenshtein, hamming,
    epe, aepe, endpoint, outlier, fl all, d1 all, ade, fde, minade, minfde, mpjpe, pampjpe, mpvpe, pve, ate, rpe, nme,
    reprojection, drift,
    dist, distance, chamfer, hausdorff, hd, hd95, assd, asd, masd, mahalanobis, euclidean, manhattan, geodesic, dtw,
    voi, variation of information,
    ece, mce, ace, tce, uce, ence, calibration, miscalibration, overconfidence, aurc, eaurc, ause,
    fpr, fnr, fdr, frr, far, fer, hter, apcer, bpcer, acer, fp, fn, fppi, mr, lamr, false positive, false negative,
    false alarm, false discovery, false omission,
    false accept, false reject, false acceptance, false rejection, false match, false non match, fallout, fall out,
    miss, missrate, undetected,
    idsw, idswitch, id switch, identity switch, fragmentation, switches,
    regret, violation, infeasibility, collision, crash, failure, failed, fail, fault, timeout, offroad, jerk,
    infraction, damage, danger, risk, td, bellman, drawdown, churn,
    bounce rate, overshoot, drop, degradation, decline, gap, forgetting, suboptimality, unfairness, toxicity,
    hallucination, stereotype, harmfulness, leakage,
    disparity, parity difference, odds difference, opportunity difference, demographic parity, statistical parity,
    equalized odds, equal opportunity,
    davies bouldin, dbi, xie beni, inertia, wcss, stress, impurity, gini impurity, mean rank, median rank, average
    rank, avg rank, medr, meanr, mdr, mnr, one error, zero one,
    delay, lateness, tardiness, makespan, tour length, path length, waste, overfitting, attack success,
    ranked probability, inception distance, image patch similarity, texture similarity, spectral angle mapper, total
    variation, info lost, information lost, cost return, infeas, bpp, volatility,
    mlogloss, merror, mphe, nloglik, expectile, pairlogit, pair logit, yetirank, cross entropy lambda, uniformity,
    mze, rps, amae, mmae, mmse, msd, vloss, tloss, binomial deviance,
    energy score, interval score, interval width, winkler, mpiw, pinaw, cwc, variance unexplained, fvu,
    lsd, log spectral distance, ibs, fall, fallen, stumble, intervention, disengagement, accident, injury,
    false detection, missed detection, miss detection,
"""
HIGHER = """
    accuracy, acc, bacc, valacc, trainacc, testacc, correct, correctness, exact match, exactmatch, em, match, matches,
    agreement, solved, solve,
    acc norm, precision, prec, recall, rec, sensitivity, specificity, selectivity, hit, hitrate, success, succ, win,
    winrate, pass, passed, completion, completed, reached, survival,
    f1, f2, f05, fscore, fmeasure, f measure, fbeta, gmean, fowlkes mallows, youden, informedness, markedness,
    tp, tn, tpr, tnr, ppv, npv, tar, gar, true positive, true negative, true accept, true match, positive predictive,
    negative predictive,
    auc, auroc, aucroc, rocauc, roc, aupr, auprc, aupro, prauc, prc, aucpr, area under, gini, lift, concordance,
    cindex, c index, c statistic,
    ap, ar, mar, map, maps, average precision, panoptic quality, pq, rq, nds, mota, motp, idf1, hota, deta, assa,
    iou, miou, fwiou, giou, diou, ciou, jaccard, dice, dsc, mdice, nsd, surface dice, pixacc, pck, oks, overlap,
    bleu, sacrebleu, gleu, nist, rouge, rougel, rougelsum, rougew, meteor, chrf, chrf++, bertscore, bleurt, bartscore,
    comet, xcomet, cider, ciderd, spice, moverscore, yisi, ribes, sari, summac, mauve,
    distinct, faithfulness, groundedness, helpfulness, coherence, fluency, relevance, relevancy, consistency,
    factuality, truthfulness, preference, elo, rating, readability,
    ndcg, dcg, mrr, reciprocal rank, hr, rprec, rbp, novelty, serendipity, diversity, coverage, ctr, clickthrough,
    click through, cvr, conversion, engagement, retention,
    psnr, cpsnr, psnrb, ssim, msssim, uqi, vif, vifp, fsim, scc, qnr, vmaf, clip score, clipscore, clip similarity,
    clip sim, clipiqa, clip iqa, musiq, nima, inception, imagereward, pickscore, aesthetic,
    snr, sdr, sisdr, sisnr, sdri, snri, sisdri, sisnri, sir, sar, signal to noise, signal to distortion, pesq, stoi,
    estoi, srmr, dnsmos, mos, utmos, nisqa, visqol, csig, cbak, covl,
    r2, d2 tweedie, d2 pinball, d2 absolute error, d2 log loss, r squared, rsquared, rsq, r sq, explained variance,
    explained var, variance explained, d2, corr, corrcoef, correlation, pearson, pearsonr, spearman, spearmanr,
    kendall, kendalltau, kendall tau, kendalls tau, plcc, srcc, krcc, srocc, ccc, pcc, nse, kge, mcc, phi,
    matthews, kappa, qwk, cohen, cohens, fleiss, krippendorff, icc, cramers, theils, tschuprows,
    reward, rew, return, ret, profit, revenue, pnl, sharpe, sortino, calmar, utility, welfare, payoff, fitness,
    hypervolume, bonus,
    elbo, iwae, likelihood, loglik, log lik, llh, loglikelihood, lml, elpd, lppd, evidence, mutual information, mutual
    info, mi, nmi, ami, ari, rand, v measure, homogeneity, completeness, purity, silhouette, calinski harabasz, ch
    index, dunn, modularity,
    similarity, sim, cosine, cossim, quality, improvement, gain, gained, speedup, benefit, forward transfer, backward
    transfer, bwt, fwt, robustness, validity, uniqueness, qed, tmscore, tm score, gdt, lddt, plddt, ptm, iptm,
    trustworthiness, fairness,
    disparate impact, demographic parity ratio, statistical parity ratio, equalized odds ratio, equal opportunity
    ratio, parity ratio, odds ratio, opportunity ratio, compression ratio, distance traveled, distance travelled,
    distance covered, detected, yield,
    corr coef, information fidelity, info preserved, information preserved, signal noise, signal distortion,
    modulation energy, intelligibility, intersection over union, r at, p at, rsum, sq, critical success, opinion,
    auc mu, pfound, alignment, wkappa, erank,
    picp, tversky, inlier, repeatability, efficiency, amota, pckh,
    skill, skill score, bss, crpss, rpss, hss, ets, csi, threat score, nash sutcliffe,
    spl, weighted path length, win loss, gain loss, profit loss, hit miss, success failure, information ratio,
    reduction, saving, savings, recovery, gap closed, detection rate, error free, collision free, crash free,
    failure free, fault free, violation free, accident free,
"""
# They take their direction from the word before: `loss_score` is a loss; alone they are better when high.
SCORE = "score, top1, top3, top5, top10, top k, top 1, top 3, top 5, top 10"
# These too are losses where they stand alone, which is a guess; beside another metric they say what it is of.
PARTS_TO_LOWER = "reconstruction, recon, commitment, codebook, smoothness, cycle consistency"
# They only say how a run went: no best, no BETTER, no gate, unless a user says so under `[direction]`.
NEITHER = """
    learning rate, learningrate, lr, lrs, lrate, weight decay, wd, momentum, beta, alpha, gamma, eps, epsilon,
    exploration, temperature, tau, lambda, dropout, warmup, annealing, schedule, decay, seed, threshold, thresh,
    cutoff, hparam, hyperparameter, hp metric,
    timestep, timesteps, update, updates, episode, len, length, position, offset, version, id, rank, world size,
    worker, replica, support,
    grad, gradient, gradnorm, gnorm, norm, weight, kernel, parameter, param, activation, histogram, sparsity, dead,
    zeros, nonzero, scale, scaler, overflow, underflow, multiplier, coef, coeff, coefs, entropy, ent,
    clip, clipped, clipping, clipfrac, qf, qvalue, q value, mean q, q mean, max q, v value, value estimate, action,
    logit, logp, logps, logprob, prob, probability, advantage, std, stdev, stddev, stderr, var, variance, deviation,
    sem, ci, pvalue, p value,
    acceptance, accept, frame rate, framerate, sample rate, sampling rate, bitrate, bit rate, utilization,
    utilisation, util, occupancy, load, progress, queue, buffer, replay, cache, vocab, padding, positive, negatives,
    input, label, hz, timestamp, date, eta, forward pass,
    steps per epoch, batches per epoch, samples per epoch,
    bsz, oom, uptime, free,
    profiling, kimg, nimg, queue,
    sigma, patience, nfe, mask ratio, teacher forcing,
"""
# What a machine did or spent: no direction either, but if someone asks for the best of one, less is better ...
LESS_WHEN_ASKED = """
    time, timing, timer, runtime, walltime, wall, clock, wallclock, second, sec, secs, millisecond, millis, ms, msec,
    microsecond, us, nanosecond, ns, minute, hour, hrs, day, duration, elapsed, latency, ttft, tpot, overhead, stall,
    wait, cpu, gpu, tpu,
    memory, mem, ram, rss, vram, heap, byte, kb, mb, gb, kib, mib, gib, megabyte, gigabyte, size, disk, flop, flo,
    gflop, mac, gmac, watt, power, energy, joule, kwh, co2, carbon, emission, usd, dollar, spend,
"""
# ... or more is.
MORE_WHEN_ASKED = """
    throughput, fps, sps, tps, qps, ips, wps, ups, speed, bandwidth, per second, per sec, per s, per minute, per
    min, per hour, per day, it s, its, tok s, tokens s, samples s, imgs s, images s, steps s, frames s, mfu, hfu,
    tflop,
"""
# Which part, which summary: the words around them decide.
FILLERS = """
    train, training, learn, fit, inner, val, valid, validation, dev, eval, evaluation, test, testing, holdout, metric,
    result, stat, perf, performance, summary, log, scalar, chart, rollout, custom, main,
    mean, avg, average, averaged, median, min, minimum, max, maximum, best, worst, last, final, first, current, total,
    sum, overall, all, global, local, macro, micro, weighted, unweighted, balanced, binary, multiclass, multilabel,
    categorical, sparse, class, classwise,
    ema, sma, running, moving, rolling, smoothed, smooth, window, raw, abs, absolute, relative, normalized,
    normalised, unnormalized, root, squared, the, and, or, small, medium, large, area, maxdets, ovr, ovo, filter,
    none, strict, flexible, extract, percentile, dataloader, idx,
    value, rate, ratio, fraction, frac, percent, percentage, pct, share, index, coefficient, measure, usage,
    difference, pr, db, db1,
    full, wb, wo, nats, bits,
"""
# Alone they count, which has no direction; beside another word they are its unit.
UNITS = """
    epoch, step, iter, iteration, batch, batches, example, sample, token, frame, image, sentence, word, char, item,
    count, counter, number, num,
"""
NEGATIONS = "neg, negative, negated, one minus, 1 minus"
PREPOSITIONS = "of, per, at, to, for, in, by, on, with, without, from, over, under, vs, versus, until, since, between"
# What follows one of these belongs to it: `time/loss_computation` is a time.
CONTAINERS = """
    grad, gradient, grad norm, gradient norm, gradnorm, norm, weight, param, parameter, activation, histogram, lr,
    learning rate, time, timing, timer
"""
# A loss is made of these too, and then they are better when low: `loss_dice`, `losses/giou`.
PARTS_OF_LOSSES = """
    dice, iou, giou, diou, ciou, jaccard, ssim, msssim, similarity, sim, cosine, consistency, likelihood, loglik,
    overlap, quality, reward, return, match, matches, completion, diversity, coverage, coherence, aesthetic,
    correlation, corr, pearson, mutual information, mi,
"""
# They are measured for each class or target: what follows is its name, whatever it means elsewhere (`f1/error`).
PER_CLASS = """
    f1, f2, f05, fscore, f measure, fmeasure, fbeta, precision, prec, recall, sensitivity, specificity,
    average precision, ap, map, auc, auroc, aucroc, rocauc, roc, aupr, auprc, prauc, accuracy, acc, bacc, iou, miou,
    jaccard, dice, dsc, surface dice, nsd, pq, rq, sq, mcc, tp, tn, fp, fn, tpr, tnr, fpr, fnr, fdr, ppv, npv,
    true positive, true negative, false positive, false negative, positive predictive, negative predictive, gmean,
    youden, pixacc, hd, hd95, mae, mse, rmse, mape, smape, r2, corr, pearson, spearman, kappa,
    cohen, matthews, hit, hitrate, tar, far, frr, gar, rouge,
"""
# But these say what is made of the metric: `dice_loss`, `acc_stderr`, `accuracy_gap`.
NOT_CLASSES = """
    loss, losses, gap, degradation, decline, penalty, distance, bonus, improvement, gain, reduction, skill,
    skill score, learning rate, lr,
    std, stddev, stdev, stderr, sem, ci, var, variance, deviation, threshold, thresh, cutoff, support, pvalue, p value,
"""

# What a word says: < lower, > higher, ~ lower if nothing else says anything, S score, 0 neither, - less or + more when
# asked, . filler, u unit, ! not, : of.
MEANINGS = {
    ".": FILLERS, "u": UNITS, ":": PREPOSITIONS, "!": NEGATIONS,
    "-": LESS_WHEN_ASKED, "+": MORE_WHEN_ASKED, "0": NEITHER,
    "~": PARTS_TO_LOWER, ">": HIGHER, "<": LOWER, "S": SCORE,
}  # fmt: skip
_ONE_MINUS = re.compile(r"^\s*1\s*-\s*(?=[a-z])", re.IGNORECASE)
_LONGEST_ENTRY = 3  # words


class Meaning(NamedTuple):
    """One word of a name, or several that belong together.

    Args:
        text: The entry of the list; the word itself where it has none.
        sign: What it says, see `MEANINGS`; ``?`` where it is not known.
    """

    text: str
    sign: str


def entries(text: str) -> frozenset[str]:
    """Return the entries of one of the lists, which commas separate."""
    return frozenset(" ".join(entry.split()) for entry in text.split(",") if entry.strip())


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    return {entry: sign for sign, text in MEANINGS.items() for entry in entries(text)}


@lru_cache(maxsize=16_384)
def meanings_of(part: str) -> tuple[Meaning, ...]:
    """Return the words of one element of a path, those that belong together as one."""
    lexicon, texts, found = _lexicon(), list(_texts_of(part)), []
    if _ONE_MINUS.match(part):
        found.append(Meaning("one minus", "!"))
    position = 0
    while position < len(texts):
        taken = 1
        for count in range(min(_LONGEST_ENTRY, len(texts) - position), 0, -1):
            phrase = _known(" ".join(texts[position : position + count]))
            if phrase:
                taken = count
                found.append(Meaning(phrase, lexicon[phrase]))
                break
        else:
            text = texts[position]
            found.append(Meaning(text, "." if len(text) == 1 or text.isdigit() else "?"))
        position += taken
    return tuple(_by_their_place(found))


def _by_their_place(words: list[Meaning]) -> list[Meaning]:
    """Return the words with those that are a metric only where they stand: `per` at the end, `is` alone."""
    if words and words[-1].text == "per":
        words[-1] = Meaning("per", "<")  # the phoneme error rate
    if any(word.text == "is" for word in words) and all(word.sign == "." for word in words if word.text != "is"):
        words = [Meaning("is", ">") if word.text == "is" else word for word in words]  # the inception score
    return words


def _texts_of(part: str) -> Iterator[str]:
    """Yield the words in lower case; a word with capitals in it is split at them only if it is not known whole."""
    part = part.replace("IoU", "Iou").replace("@", " at ")
    for chunk in words_of(part, by_capitals=False):
        if _known(chunk.text):
            yield chunk.text
        else:
            yield from (word.text for word in words_of(part[chunk.start : chunk.end]))


@lru_cache(maxsize=16_384)
def _known(text: str) -> str:
    """Return the entry of the list that a text is: itself, or without its plural or the number at its end."""
    lexicon = _lexicon()
    if text in lexicon:
        return text
    bare = text.rstrip("0123456789").rstrip()
    for shorter in (text.removesuffix("s"), text.removesuffix("es"), bare, bare.removesuffix("s"), _y_of(text)):
        if len(shorter) > 1 and shorter in lexicon:
            return shorter
    return ""


def _y_of(text: str) -> str:
    return f"{text[:-3]}y" if text.endswith("ies") else text
